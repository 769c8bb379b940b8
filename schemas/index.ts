// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.
import type { BusinessPartnerEvents } from './business-partner/business-partner.generated.js';
import type { ContractEvents } from './contract/contract.generated.js';
import type { SalesOrderEvents } from './sales-order/sales-order.generated.js';

export { CATALOGUE } from './catalogue.generated.js';
export { BusinessPartnerEvent } from './business-partner/business-partner.generated.js';
export type {
  BusinessPartnerChanged,
  BusinessPartnerCreated,
  BusinessPartnerEvents,
} from './business-partner/business-partner.generated.js';
export { ContractEvent } from './contract/contract.generated.js';
export type {
  ContractDraftChanged,
  ContractDraftCreated,
  ContractEvents,
  ContractKind,
  ContractSigned,
  ContractTerminated,
  DocumentReference,
} from './contract/contract.generated.js';
export { SalesOrderEvent } from './sales-order/sales-order.generated.js';
export type {
  SalesOrderApprovalStsChanged,
  SalesOrderChanged,
  SalesOrderCreated,
  SalesOrderDeleted,
  SalesOrderEvents,
  SalesOrderItemChanged,
  SalesOrderItemCreated,
  SalesOrderItemDeleted,
  SalesOrderItmBillgBlkStsChgd,
  SalesOrderItmDelivBlkStsChgd,
  SalesOrderItmDelivStsChgd,
  SalesOrderItmDlvConfStsChgd,
  SalesOrderItmGenIncplStsChgd,
  SalesOrderItmPrftCtrChanged,
  SalesOrderItmRjcnStsChgd,
  SalesOrderItmSDProcStsChgd,
  SalesOrderItmWBSElmntChanged,
  SalesOrderOvrlBlgBlkStsChgd,
  SalesOrderOvrlDelivStsChgd,
  SalesOrderOvrlDlvBlkStsChgd,
  SalesOrderOvrlDlvConfStsChgd,
  SalesOrderOvrlRjcnStsChgd,
  SalesOrderOvrlSDProcStsChgd,
  SalesOrderTotCrdtChkStsChgd,
} from './sales-order/sales-order.generated.js';

/** The data of every event type there is. */
export type MeshEvents = BusinessPartnerEvents & ContractEvents & SalesOrderEvents;

/** Every event type there is. */
export type MeshEventType = keyof MeshEvents;
