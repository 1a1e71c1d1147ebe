/** Out of the program's IDL; `npm run generate` writes it anew. */
import type { Decoder } from '@solana/kit';
import {
  getClaimedDecoder,
  type Claimed,
  getEpochSettledDecoder,
  type EpochSettled,
  getLicenceSoldDecoder,
  type LicenceSold,
  getNetworkInitializedDecoder,
  type NetworkInitialized,
  getNodeAcceptedDecoder,
  type NodeAccepted,
  getNodeBoundDecoder,
  type NodeBound,
  getOracleSetChangedDecoder,
  type OracleSetChanged,
  getProjectCreatedDecoder,
  type ProjectCreated,
  getProjectFundedDecoder,
  type ProjectFunded,
  getRootActivatedDecoder,
  type RootActivated,
  getRootVotedDecoder,
  type RootVoted,
  getViewsCommittedDecoder,
  type ViewsCommitted,
} from './types/index.js';

/** An event of the program, told apart by its name. */
export type NetworkEvent =
  | { name: 'Claimed'; data: Claimed }
  | { name: 'EpochSettled'; data: EpochSettled }
  | { name: 'LicenceSold'; data: LicenceSold }
  | { name: 'NetworkInitialized'; data: NetworkInitialized }
  | { name: 'NodeAccepted'; data: NodeAccepted }
  | { name: 'NodeBound'; data: NodeBound }
  | { name: 'OracleSetChanged'; data: OracleSetChanged }
  | { name: 'ProjectCreated'; data: ProjectCreated }
  | { name: 'ProjectFunded'; data: ProjectFunded }
  | { name: 'RootActivated'; data: RootActivated }
  | { name: 'RootVoted'; data: RootVoted }
  | { name: 'ViewsCommitted'; data: ViewsCommitted };

/** What `emit_cpi!` puts before each event's fields, and how these are read. */
export const NETWORK_EVENTS: readonly {
  readonly name: NetworkEvent['name'];
  readonly discriminator: Uint8Array;
  readonly decoder: Decoder<NetworkEvent['data']>;
}[] = [
  {
    name: 'Claimed',
    discriminator: new Uint8Array([217, 192, 123, 72, 108, 150, 248, 33]),
    decoder: getClaimedDecoder(),
  },
  {
    name: 'EpochSettled',
    discriminator: new Uint8Array([32, 219, 45, 156, 250, 115, 190, 255]),
    decoder: getEpochSettledDecoder(),
  },
  {
    name: 'LicenceSold',
    discriminator: new Uint8Array([60, 93, 220, 88, 142, 127, 127, 254]),
    decoder: getLicenceSoldDecoder(),
  },
  {
    name: 'NetworkInitialized',
    discriminator: new Uint8Array([248, 98, 167, 253, 2, 186, 222, 90]),
    decoder: getNetworkInitializedDecoder(),
  },
  {
    name: 'NodeAccepted',
    discriminator: new Uint8Array([124, 217, 98, 119, 168, 148, 208, 38]),
    decoder: getNodeAcceptedDecoder(),
  },
  {
    name: 'NodeBound',
    discriminator: new Uint8Array([2, 188, 229, 56, 150, 249, 38, 38]),
    decoder: getNodeBoundDecoder(),
  },
  {
    name: 'OracleSetChanged',
    discriminator: new Uint8Array([220, 68, 15, 112, 157, 208, 136, 92]),
    decoder: getOracleSetChangedDecoder(),
  },
  {
    name: 'ProjectCreated',
    discriminator: new Uint8Array([192, 10, 163, 29, 185, 31, 67, 168]),
    decoder: getProjectCreatedDecoder(),
  },
  {
    name: 'ProjectFunded',
    discriminator: new Uint8Array([125, 81, 242, 91, 14, 66, 74, 95]),
    decoder: getProjectFundedDecoder(),
  },
  {
    name: 'RootActivated',
    discriminator: new Uint8Array([24, 59, 236, 54, 131, 27, 149, 19]),
    decoder: getRootActivatedDecoder(),
  },
  {
    name: 'RootVoted',
    discriminator: new Uint8Array([107, 145, 234, 68, 199, 173, 224, 233]),
    decoder: getRootVotedDecoder(),
  },
  {
    name: 'ViewsCommitted',
    discriminator: new Uint8Array([40, 28, 127, 132, 239, 209, 188, 111]),
    decoder: getViewsCommittedDecoder(),
  },
];
