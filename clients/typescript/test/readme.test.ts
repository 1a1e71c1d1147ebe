import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { AccountRole, createNoopSigner, type Address } from '@solana/kit';

import { decodeLeaves, distributionLeaf, hexToBytes, jobs, network, verifyProof } from '../src/index.js';
import { inspect } from './example.js';
import { golden, samples } from './vectors.js';

/** A fake RPC node that knows these accounts. */
async function serving(accounts: Map<Address, Uint8Array>, use: (url: string) => Promise<void>) {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { id, params } = JSON.parse(Buffer.concat(parts).toString());
    const data = accounts.get(params[0]);
    const account = data && {
      data: [Buffer.from(data).toString('base64'), 'base64'],
      owner: network.MUSTER_NETWORK_PROGRAM_ADDRESS,
      executable: false,
      lamports: 1,
      rentEpoch: 0,
      space: data.length,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { context: { slot: 1 }, value: account ?? null } }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
}

const sampled = (name: string) => hexToBytes(samples('accounts').find(({ account }) => account === name)!.data);

test('the example of the README is the one that is tested', () => {
  const example = readFileSync('test/example.ts', 'utf8').replace('../src/index.js', '@muster/client').trim();
  assert.ok(readFileSync('README.md', 'utf8').includes(`\`\`\`ts\n${example}\n\`\`\``));
});

test('the example reads a tenure, proves what it is owed and opens its bond', async () => {
  const { bytes, root } = golden('files.json').find(({ file }) => file === 'leaves')!;
  const leaves = decodeLeaves(hexToBytes(bytes));
  const { tenure: address, cumulative } = leaves.rows[1]!;
  const tenure = { ...network.getTenureDecoder().decode(sampled('Tenure')), leafIndex: 1, claimedTotal: 5n };
  const account = new Uint8Array(network.getTenureEncoder().encode(tenure));
  const payer = createNoopSigner(tenure.holder);
  await serving(new Map([[address, account]]), async (url) => {
    const { owed, proof, openBond, ...carried } = await inspect(url, payer, address, hexToBytes(bytes));
    assert.equal(owed, cumulative - 5n);
    const leaf = distributionLeaf(leaves.program, leaves.distribution, address, 1, carried.cumulative);
    const siblings = Array.from({ length: proof.length / 32 }, (_, i) => proof.slice(32 * i, 32 * (i + 1)));
    assert.ok(verifyProof(hexToBytes(root), leaf, 1, leaves.rows.length, siblings));
    const { accounts } = jobs.parseOpenBondInstruction(openBond);
    assert.deepEqual([accounts.payer.address, accounts.payer.role], [payer.address, AccountRole.WRITABLE_SIGNER]);
    assert.equal(accounts.bond.address, (await jobs.findBondPda({ tenure: address }))[0]);
    assert.equal(accounts.config.address, (await jobs.findJobsConfigPda())[0]);
    assert.equal(accounts.eventAuthority.address, (await jobs.findEventAuthorityPda())[0]);
    assert.equal(accounts.program.address, jobs.MUSTER_JOBS_PROGRAM_ADDRESS);
  });
});
