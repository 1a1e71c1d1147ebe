import { createSolanaRpc, type Address, type TransactionSigner } from '@solana/kit';
import { claimProof, decodeLeaves, jobs, network } from '../src/index.js';

/** What a tenure has earned and not claimed, and the instruction that opens the bond that jobs pay it into. */
export async function inspect(rpcUrl: string, payer: TransactionSigner, tenure: Address, leafFile: Uint8Array) {
  const { data } = await network.fetchTenure(createSolanaRpc(rpcUrl), tenure);
  const leaves = decodeLeaves(leafFile);
  const { cumulative } = leaves.rows[data.leafIndex]!;
  return {
    owed: cumulative - data.claimedTotal,
    // what `claim` carries
    cumulative,
    proof: claimProof(leaves, data.leafIndex),
    // the other accounts follow from the tenure
    openBond: await jobs.getOpenBondInstructionAsync({ payer, tenure }),
  };
}
