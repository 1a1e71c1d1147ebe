/** Addresses of other programs' accounts; the two programs' own are the `find...Pda` functions of `network` and `jobs`. */
import { address, getAddressEncoder, getProgramDerivedAddress, type Address } from '@solana/kit';

/** The program under which licences live. */
export const TOKEN_2022_PROGRAM_ADDRESS = address('TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb');
/** The program of the mints in which projects pay and sell. */
export const TOKEN_PROGRAM_ADDRESS = address('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
const ASSOCIATED_TOKEN_PROGRAM_ADDRESS = address('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');
const UPGRADEABLE_LOADER_ADDRESS = address('BPFLoaderUpgradeab1e11111111111111111111111');

async function derived(programAddress: Address, ...seeds: Address[]): Promise<Address> {
  const [found] = await getProgramDerivedAddress({
    programAddress,
    seeds: seeds.map((seed) => getAddressEncoder().encode(seed)),
  });
  return found;
}

/** The associated token account of a wallet for a mint of either token program. */
export function findAssociatedTokenAddress(owner: Address, mint: Address, tokenProgram: Address): Promise<Address> {
  return derived(ASSOCIATED_TOKEN_PROGRAM_ADDRESS, owner, tokenProgram, mint);
}

/** The account that holds a program's code and names its upgrade authority. */
export function findProgramDataAddress(program: Address): Promise<Address> {
  return derived(UPGRADEABLE_LOADER_ADDRESS, program);
}
