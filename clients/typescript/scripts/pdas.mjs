// Every program-derived address, as programs/*/src/constants.rs names its seeds. The IDLs' own seeds are not used:
// Anchor writes a seed that is a field of an account as if it were the account's address.

/** A seed that varies: `account` an address, the others a little-endian integer. */
const account = (name) => ({ name, type: 'account' });
const u32 = (name) => ({ name, type: 'u32' });
const u64 = (name) => ({ name, type: 'u64' });

/** By the name that instructions have for the account. `constant` is the seed's name in constants.rs. */
export const network = {
  network: { constant: 'NETWORK_SEED', prefix: 'network', seeds: [] },
  oracleSet: { constant: 'ORACLE_SET_SEED', prefix: 'oracles', seeds: [] },
  project: { constant: 'PROJECT_SEED', prefix: 'project', seeds: [u64('index')] },
  group: { constant: 'GROUP_SEED', prefix: 'group', seeds: [account('project')] },
  collectionMarker: { constant: 'COLLECTION_SEED', prefix: 'collection', seeds: [account('collection')] },
  licence: { constant: 'LICENCE_SEED', prefix: 'licence', seeds: [account('project'), u32('serial')] },
  budgetVault: { constant: 'BUDGET_SEED', prefix: 'budget', seeds: [account('project')] },
  distribution: { constant: 'DISTRIBUTION_SEED', prefix: 'distribution', seeds: [account('project')] },
  vault: { constant: 'VAULT_SEED', prefix: 'vault', seeds: [account('distribution')] },
  treasury: { constant: 'TREASURY_SEED', prefix: 'treasury', seeds: [account('mint')] },
  node: { constant: 'NODE_SEED', prefix: 'node', seeds: [account('licence')] },
  keyMarker: { constant: 'KEY_SEED', prefix: 'key', seeds: [account('nodeKey')] },
  tenure: { constant: 'TENURE_SEED', prefix: 'tenure', seeds: [account('node'), u32('number')] },
  pool: { constant: 'POOL_SEED', prefix: 'pool', seeds: [account('project'), u32('index')] },
  split: { constant: 'SPLIT_SEED', prefix: 'split', seeds: [account('creator'), u32('id')] },
  ballot: { constant: 'BALLOT_SEED', prefix: 'ballot', seeds: [account('node')] },
  viewSet: { constant: 'VIEWS_SEED', prefix: 'views', seeds: [u64('epoch')] },
  epoch: { constant: 'EPOCH_SEED', prefix: 'epoch', seeds: [account('project'), u64('epoch')] },
};

export const jobs = {
  jobsConfig: { constant: 'CONFIG_SEED', prefix: 'config', seeds: [] },
  job: { constant: 'JOB_SEED', prefix: 'job', seeds: [account('submitter'), u64('nonce')] },
  escrow: { constant: 'ESCROW_SEED', prefix: 'escrow', seeds: [account('job')] },
  sponsorship: { constant: 'SPONSOR_SEED', prefix: 'sponsor', seeds: [account('job'), account('sponsor')] },
  bond: { constant: 'BOND_SEED', prefix: 'bond', seeds: [account('tenure')] },
  bondVault: { constant: 'BOND_VAULT_SEED', prefix: 'bonds', seeds: [] },
  slash: { constant: 'SLASH_SEED', prefix: 'slash', seeds: [account('bond')] },
};
