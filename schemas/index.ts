// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.
export type {
  BusinessPartnerChanged,
  BusinessPartnerCreated,
  BusinessPartnerEvents,
} from './business-partner/business-partner.generated.js';
export type {
  ContractDraftChanged,
  ContractDraftCreated,
  ContractEvents,
  ContractKind,
  ContractSigned,
  ContractTerminated,
  DocumentReference,
} from './contract/contract.generated.js';
export type {
  SalesOrderApprovalStsChanged,
  SalesOrderChanged,
  SalesOrderCreated,
  SalesOrderDeleted,
  SalesOrderEvents,
  SalesOrderItemChanged,
  SalesOrderItemCreated,
  SalesOrderItemDeleted,
  SalesOrderOvrlDelivStsChgd,
} from './sales-order/sales-order.generated.js';
