/** Out of the program's IDL; `npm run generate` writes it anew. */
import type { Decoder } from '@solana/kit';
import {
  getAuthorityAcceptedDecoder,
  type AuthorityAccepted,
  getAuthorityProposedDecoder,
  type AuthorityProposed,
  getBudgetWithdrawnDecoder,
  type BudgetWithdrawn,
  getClaimedDecoder,
  type Claimed,
  getCollectionLinkedDecoder,
  type CollectionLinked,
  getCorrectionVotedDecoder,
  type CorrectionVoted,
  getDistributionToppedUpDecoder,
  type DistributionToppedUp,
  getEpochClosedDecoder,
  type EpochClosed,
  getEpochSettledDecoder,
  type EpochSettled,
  getFeeChangedDecoder,
  type FeeChanged,
  getFormulaChangedDecoder,
  type FormulaChanged,
  getHoldEndedDecoder,
  type HoldEnded,
  getLicenceGiftedDecoder,
  type LicenceGifted,
  getLicenceSoldDecoder,
  type LicenceSold,
  getMaintenanceAnnouncedDecoder,
  type MaintenanceAnnounced,
  getMaxEpochBudgetChangedDecoder,
  type MaxEpochBudgetChanged,
  getMetadataSetDecoder,
  type MetadataSet,
  getMintAllowedDecoder,
  type MintAllowed,
  getMintForbiddenDecoder,
  type MintForbidden,
  getNetworkInitializedDecoder,
  type NetworkInitialized,
  getNodeAcceptedDecoder,
  type NodeAccepted,
  getNodeBoundDecoder,
  type NodeBound,
  getNodeDetachedDecoder,
  type NodeDetached,
  getNodeKeyRotatedDecoder,
  type NodeKeyRotated,
  getNodeSuspendedDecoder,
  type NodeSuspended,
  getNodeThawedDecoder,
  type NodeThawed,
  getNodeUnboundDecoder,
  type NodeUnbound,
  getOperatorReleasedDecoder,
  type OperatorReleased,
  getOperatorSetDecoder,
  type OperatorSet,
  getOracleSetChangedDecoder,
  type OracleSetChanged,
  getOracleUrlChangedDecoder,
  type OracleUrlChanged,
  getOwnerAcceptedDecoder,
  type OwnerAccepted,
  getOwnerProposedDecoder,
  type OwnerProposed,
  getPauseChangedDecoder,
  type PauseChanged,
  getPayoutSetDecoder,
  type PayoutSet,
  getPoolCapacityChangedDecoder,
  type PoolCapacityChanged,
  getPoolClosedDecoder,
  type PoolClosed,
  getPoolCreatedDecoder,
  type PoolCreated,
  getPoolJoinedDecoder,
  type PoolJoined,
  getPoolLeftDecoder,
  type PoolLeft,
  getProjectClosedDecoder,
  type ProjectClosed,
  getProjectCreatedDecoder,
  type ProjectCreated,
  getProjectFundedDecoder,
  type ProjectFunded,
  getRootActivatedDecoder,
  type RootActivated,
  getRootHeldDecoder,
  type RootHeld,
  getRootVotedDecoder,
  type RootVoted,
  getSaleChangedDecoder,
  type SaleChanged,
  getSettlementReplacedDecoder,
  type SettlementReplaced,
  getSettlementVoidedDecoder,
  type SettlementVoided,
  getSettlerChangedDecoder,
  type SettlerChanged,
  getSplitCreatedDecoder,
  type SplitCreated,
  getSplitReleasedDecoder,
  type SplitReleased,
  getSuspensionAppealedDecoder,
  type SuspensionAppealed,
  getSuspensionLiftedDecoder,
  type SuspensionLifted,
  getSuspensionVotedDecoder,
  type SuspensionVoted,
  getTreasuryWithdrawnDecoder,
  type TreasuryWithdrawn,
  getViewSetClosedDecoder,
  type ViewSetClosed,
  getViewsCommittedDecoder,
  type ViewsCommitted,
  getWithdrawalAnnouncedDecoder,
  type WithdrawalAnnounced,
} from './types/index.js';

/** An event of the program, told apart by its name. */
export type NetworkEvent =
  | { name: 'AuthorityAccepted'; data: AuthorityAccepted }
  | { name: 'AuthorityProposed'; data: AuthorityProposed }
  | { name: 'BudgetWithdrawn'; data: BudgetWithdrawn }
  | { name: 'Claimed'; data: Claimed }
  | { name: 'CollectionLinked'; data: CollectionLinked }
  | { name: 'CorrectionVoted'; data: CorrectionVoted }
  | { name: 'DistributionToppedUp'; data: DistributionToppedUp }
  | { name: 'EpochClosed'; data: EpochClosed }
  | { name: 'EpochSettled'; data: EpochSettled }
  | { name: 'FeeChanged'; data: FeeChanged }
  | { name: 'FormulaChanged'; data: FormulaChanged }
  | { name: 'HoldEnded'; data: HoldEnded }
  | { name: 'LicenceGifted'; data: LicenceGifted }
  | { name: 'LicenceSold'; data: LicenceSold }
  | { name: 'MaintenanceAnnounced'; data: MaintenanceAnnounced }
  | { name: 'MaxEpochBudgetChanged'; data: MaxEpochBudgetChanged }
  | { name: 'MetadataSet'; data: MetadataSet }
  | { name: 'MintAllowed'; data: MintAllowed }
  | { name: 'MintForbidden'; data: MintForbidden }
  | { name: 'NetworkInitialized'; data: NetworkInitialized }
  | { name: 'NodeAccepted'; data: NodeAccepted }
  | { name: 'NodeBound'; data: NodeBound }
  | { name: 'NodeDetached'; data: NodeDetached }
  | { name: 'NodeKeyRotated'; data: NodeKeyRotated }
  | { name: 'NodeSuspended'; data: NodeSuspended }
  | { name: 'NodeThawed'; data: NodeThawed }
  | { name: 'NodeUnbound'; data: NodeUnbound }
  | { name: 'OperatorReleased'; data: OperatorReleased }
  | { name: 'OperatorSet'; data: OperatorSet }
  | { name: 'OracleSetChanged'; data: OracleSetChanged }
  | { name: 'OracleUrlChanged'; data: OracleUrlChanged }
  | { name: 'OwnerAccepted'; data: OwnerAccepted }
  | { name: 'OwnerProposed'; data: OwnerProposed }
  | { name: 'PauseChanged'; data: PauseChanged }
  | { name: 'PayoutSet'; data: PayoutSet }
  | { name: 'PoolCapacityChanged'; data: PoolCapacityChanged }
  | { name: 'PoolClosed'; data: PoolClosed }
  | { name: 'PoolCreated'; data: PoolCreated }
  | { name: 'PoolJoined'; data: PoolJoined }
  | { name: 'PoolLeft'; data: PoolLeft }
  | { name: 'ProjectClosed'; data: ProjectClosed }
  | { name: 'ProjectCreated'; data: ProjectCreated }
  | { name: 'ProjectFunded'; data: ProjectFunded }
  | { name: 'RootActivated'; data: RootActivated }
  | { name: 'RootHeld'; data: RootHeld }
  | { name: 'RootVoted'; data: RootVoted }
  | { name: 'SaleChanged'; data: SaleChanged }
  | { name: 'SettlementReplaced'; data: SettlementReplaced }
  | { name: 'SettlementVoided'; data: SettlementVoided }
  | { name: 'SettlerChanged'; data: SettlerChanged }
  | { name: 'SplitCreated'; data: SplitCreated }
  | { name: 'SplitReleased'; data: SplitReleased }
  | { name: 'SuspensionAppealed'; data: SuspensionAppealed }
  | { name: 'SuspensionLifted'; data: SuspensionLifted }
  | { name: 'SuspensionVoted'; data: SuspensionVoted }
  | { name: 'TreasuryWithdrawn'; data: TreasuryWithdrawn }
  | { name: 'ViewSetClosed'; data: ViewSetClosed }
  | { name: 'ViewsCommitted'; data: ViewsCommitted }
  | { name: 'WithdrawalAnnounced'; data: WithdrawalAnnounced };

/** What `emit_cpi!` puts before each event's fields, and how these are read. */
export const NETWORK_EVENTS: readonly {
  readonly name: NetworkEvent['name'];
  readonly discriminator: Uint8Array;
  readonly decoder: Decoder<NetworkEvent['data']>;
}[] = [
  {
    name: 'AuthorityAccepted',
    discriminator: new Uint8Array([166, 192, 219, 188, 41, 209, 195, 26]),
    decoder: getAuthorityAcceptedDecoder(),
  },
  {
    name: 'AuthorityProposed',
    discriminator: new Uint8Array([244, 117, 94, 112, 53, 151, 35, 89]),
    decoder: getAuthorityProposedDecoder(),
  },
  {
    name: 'BudgetWithdrawn',
    discriminator: new Uint8Array([6, 32, 94, 74, 79, 3, 32, 122]),
    decoder: getBudgetWithdrawnDecoder(),
  },
  {
    name: 'Claimed',
    discriminator: new Uint8Array([217, 192, 123, 72, 108, 150, 248, 33]),
    decoder: getClaimedDecoder(),
  },
  {
    name: 'CollectionLinked',
    discriminator: new Uint8Array([119, 213, 80, 19, 202, 122, 39, 190]),
    decoder: getCollectionLinkedDecoder(),
  },
  {
    name: 'CorrectionVoted',
    discriminator: new Uint8Array([233, 39, 183, 214, 199, 91, 226, 150]),
    decoder: getCorrectionVotedDecoder(),
  },
  {
    name: 'DistributionToppedUp',
    discriminator: new Uint8Array([115, 21, 49, 140, 179, 108, 145, 47]),
    decoder: getDistributionToppedUpDecoder(),
  },
  {
    name: 'EpochClosed',
    discriminator: new Uint8Array([21, 4, 48, 56, 29, 169, 77, 42]),
    decoder: getEpochClosedDecoder(),
  },
  {
    name: 'EpochSettled',
    discriminator: new Uint8Array([32, 219, 45, 156, 250, 115, 190, 255]),
    decoder: getEpochSettledDecoder(),
  },
  {
    name: 'FeeChanged',
    discriminator: new Uint8Array([103, 252, 132, 250, 1, 49, 116, 145]),
    decoder: getFeeChangedDecoder(),
  },
  {
    name: 'FormulaChanged',
    discriminator: new Uint8Array([200, 96, 183, 98, 224, 202, 15, 38]),
    decoder: getFormulaChangedDecoder(),
  },
  {
    name: 'HoldEnded',
    discriminator: new Uint8Array([107, 52, 114, 141, 92, 247, 139, 68]),
    decoder: getHoldEndedDecoder(),
  },
  {
    name: 'LicenceGifted',
    discriminator: new Uint8Array([114, 210, 22, 50, 10, 28, 134, 241]),
    decoder: getLicenceGiftedDecoder(),
  },
  {
    name: 'LicenceSold',
    discriminator: new Uint8Array([60, 93, 220, 88, 142, 127, 127, 254]),
    decoder: getLicenceSoldDecoder(),
  },
  {
    name: 'MaintenanceAnnounced',
    discriminator: new Uint8Array([128, 187, 92, 33, 156, 112, 238, 2]),
    decoder: getMaintenanceAnnouncedDecoder(),
  },
  {
    name: 'MaxEpochBudgetChanged',
    discriminator: new Uint8Array([35, 152, 75, 93, 237, 227, 120, 59]),
    decoder: getMaxEpochBudgetChangedDecoder(),
  },
  {
    name: 'MetadataSet',
    discriminator: new Uint8Array([190, 125, 71, 119, 14, 31, 26, 197]),
    decoder: getMetadataSetDecoder(),
  },
  {
    name: 'MintAllowed',
    discriminator: new Uint8Array([80, 212, 130, 120, 125, 216, 111, 240]),
    decoder: getMintAllowedDecoder(),
  },
  {
    name: 'MintForbidden',
    discriminator: new Uint8Array([212, 141, 93, 54, 157, 233, 173, 179]),
    decoder: getMintForbiddenDecoder(),
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
    name: 'NodeDetached',
    discriminator: new Uint8Array([33, 71, 3, 53, 96, 163, 131, 48]),
    decoder: getNodeDetachedDecoder(),
  },
  {
    name: 'NodeKeyRotated',
    discriminator: new Uint8Array([123, 130, 217, 152, 87, 120, 110, 235]),
    decoder: getNodeKeyRotatedDecoder(),
  },
  {
    name: 'NodeSuspended',
    discriminator: new Uint8Array([161, 207, 41, 170, 1, 207, 43, 101]),
    decoder: getNodeSuspendedDecoder(),
  },
  {
    name: 'NodeThawed',
    discriminator: new Uint8Array([29, 66, 137, 114, 72, 100, 25, 246]),
    decoder: getNodeThawedDecoder(),
  },
  {
    name: 'NodeUnbound',
    discriminator: new Uint8Array([172, 202, 58, 127, 203, 172, 158, 160]),
    decoder: getNodeUnboundDecoder(),
  },
  {
    name: 'OperatorReleased',
    discriminator: new Uint8Array([21, 194, 77, 232, 149, 42, 44, 211]),
    decoder: getOperatorReleasedDecoder(),
  },
  {
    name: 'OperatorSet',
    discriminator: new Uint8Array([187, 242, 164, 221, 208, 246, 180, 178]),
    decoder: getOperatorSetDecoder(),
  },
  {
    name: 'OracleSetChanged',
    discriminator: new Uint8Array([220, 68, 15, 112, 157, 208, 136, 92]),
    decoder: getOracleSetChangedDecoder(),
  },
  {
    name: 'OracleUrlChanged',
    discriminator: new Uint8Array([123, 1, 206, 50, 99, 113, 162, 40]),
    decoder: getOracleUrlChangedDecoder(),
  },
  {
    name: 'OwnerAccepted',
    discriminator: new Uint8Array([115, 49, 65, 183, 72, 123, 41, 139]),
    decoder: getOwnerAcceptedDecoder(),
  },
  {
    name: 'OwnerProposed',
    discriminator: new Uint8Array([76, 98, 192, 30, 68, 48, 43, 188]),
    decoder: getOwnerProposedDecoder(),
  },
  {
    name: 'PauseChanged',
    discriminator: new Uint8Array([238, 188, 213, 78, 134, 209, 178, 218]),
    decoder: getPauseChangedDecoder(),
  },
  {
    name: 'PayoutSet',
    discriminator: new Uint8Array([237, 132, 208, 250, 60, 30, 172, 49]),
    decoder: getPayoutSetDecoder(),
  },
  {
    name: 'PoolCapacityChanged',
    discriminator: new Uint8Array([74, 90, 19, 37, 121, 215, 233, 11]),
    decoder: getPoolCapacityChangedDecoder(),
  },
  {
    name: 'PoolClosed',
    discriminator: new Uint8Array([106, 46, 29, 231, 42, 44, 73, 119]),
    decoder: getPoolClosedDecoder(),
  },
  {
    name: 'PoolCreated',
    discriminator: new Uint8Array([202, 44, 41, 88, 104, 220, 157, 82]),
    decoder: getPoolCreatedDecoder(),
  },
  {
    name: 'PoolJoined',
    discriminator: new Uint8Array([79, 207, 125, 205, 4, 167, 178, 115]),
    decoder: getPoolJoinedDecoder(),
  },
  {
    name: 'PoolLeft',
    discriminator: new Uint8Array([99, 100, 26, 233, 89, 230, 153, 253]),
    decoder: getPoolLeftDecoder(),
  },
  {
    name: 'ProjectClosed',
    discriminator: new Uint8Array([99, 119, 201, 52, 106, 26, 76, 87]),
    decoder: getProjectClosedDecoder(),
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
    name: 'RootHeld',
    discriminator: new Uint8Array([145, 177, 78, 98, 152, 45, 168, 139]),
    decoder: getRootHeldDecoder(),
  },
  {
    name: 'RootVoted',
    discriminator: new Uint8Array([107, 145, 234, 68, 199, 173, 224, 233]),
    decoder: getRootVotedDecoder(),
  },
  {
    name: 'SaleChanged',
    discriminator: new Uint8Array([96, 74, 191, 104, 168, 164, 193, 212]),
    decoder: getSaleChangedDecoder(),
  },
  {
    name: 'SettlementReplaced',
    discriminator: new Uint8Array([29, 22, 156, 68, 19, 163, 188, 191]),
    decoder: getSettlementReplacedDecoder(),
  },
  {
    name: 'SettlementVoided',
    discriminator: new Uint8Array([200, 41, 139, 111, 0, 107, 66, 217]),
    decoder: getSettlementVoidedDecoder(),
  },
  {
    name: 'SettlerChanged',
    discriminator: new Uint8Array([33, 54, 1, 21, 216, 157, 170, 61]),
    decoder: getSettlerChangedDecoder(),
  },
  {
    name: 'SplitCreated',
    discriminator: new Uint8Array([87, 61, 160, 84, 73, 204, 93, 140]),
    decoder: getSplitCreatedDecoder(),
  },
  {
    name: 'SplitReleased',
    discriminator: new Uint8Array([198, 158, 210, 45, 84, 227, 114, 121]),
    decoder: getSplitReleasedDecoder(),
  },
  {
    name: 'SuspensionAppealed',
    discriminator: new Uint8Array([124, 168, 64, 78, 141, 52, 127, 186]),
    decoder: getSuspensionAppealedDecoder(),
  },
  {
    name: 'SuspensionLifted',
    discriminator: new Uint8Array([90, 77, 230, 122, 0, 89, 250, 171]),
    decoder: getSuspensionLiftedDecoder(),
  },
  {
    name: 'SuspensionVoted',
    discriminator: new Uint8Array([125, 253, 144, 24, 86, 206, 51, 156]),
    decoder: getSuspensionVotedDecoder(),
  },
  {
    name: 'TreasuryWithdrawn',
    discriminator: new Uint8Array([143, 181, 157, 169, 87, 155, 170, 46]),
    decoder: getTreasuryWithdrawnDecoder(),
  },
  {
    name: 'ViewSetClosed',
    discriminator: new Uint8Array([172, 24, 78, 72, 55, 45, 139, 196]),
    decoder: getViewSetClosedDecoder(),
  },
  {
    name: 'ViewsCommitted',
    discriminator: new Uint8Array([40, 28, 127, 132, 239, 209, 188, 111]),
    decoder: getViewsCommittedDecoder(),
  },
  {
    name: 'WithdrawalAnnounced',
    discriminator: new Uint8Array([85, 73, 168, 120, 73, 188, 141, 92]),
    decoder: getWithdrawalAnnouncedDecoder(),
  },
];
