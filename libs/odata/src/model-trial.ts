import { HeddleError } from '@heddle/event';
import { sql } from 'kysely';
import type { EntityChanges } from './changes.js';
import {
  type EntityModel,
  type ServiceModel,
  day,
  decimal,
  defineService,
  flag,
  guid,
  instant,
  number,
  text,
} from './model.js';
import type { Reader } from './rows.js';

/*
 * A small service for tests: orders with items, which have lines, and a customer each; every type of property, and what
 * may be null.
 */

/** The table, and the views of what is in its documents. */
export const TRIAL_STATEMENTS: readonly string[] = [
  `create table trial_order (key text collate "C" primary key, version bigint not null, is_deleted boolean not null default false, state jsonb not null)`,
  `create view v_order as select key, version, state ->> 'Order' as "Order", state ->> 'Text' as "Text", state ->> 'Note' as "Note",
     (state ->> 'Amount')::numeric as "Amount", (state ->> 'Count')::int as "Count", (state ->> 'Big')::bigint as "Big",
     (state ->> 'IsOpen')::boolean as "IsOpen", state ->> 'Day' as "Day", state ->> 'At' as "At", state ->> 'Id' as "Id"
     from trial_order where not is_deleted`,
  `create view v_item as select key, version, state ->> 'Order' as "Order", item ->> 'Item' as "Item", item ->> 'Text' as "Text",
     (item ->> 'Amount')::numeric as "Amount" from trial_order cross join lateral jsonb_array_elements(state -> 'to_Item') as item where not is_deleted`,
  `create view v_line as select key, version, state ->> 'Order' as "Order", item ->> 'Item' as "Item", line ->> 'Line' as "Line", line ->> 'Kind' as "Kind"
     from trial_order cross join lateral jsonb_array_elements(state -> 'to_Item') as item
     cross join lateral jsonb_array_elements(item -> 'to_Line') as line where not is_deleted`,
  `create view v_buyer as select key, version, state ->> 'Order' as "Order", state -> 'to_Buyer' ->> 'Name' as "Name" from trial_order
     where not is_deleted and jsonb_typeof(state -> 'to_Buyer') = 'object'`,
];

export interface TrialOrder {
  Order: string;
  Text: string;
  Note: string | null;
  Amount: string;
  Count: number;
  Big: string;
  IsOpen: boolean;
  Day: string | null;
  At: string | null;
  Id: string;
  to_Item: { Item: string; Text: string; Amount: string; to_Line: { Line: string; Kind: string }[] }[];
  to_Buyer: { Name: string } | null;
}

export function trialOrder(key: string, more: Partial<TrialOrder> = {}): TrialOrder {
  return {
    Order: key,
    Text: '',
    Note: null,
    Amount: '0',
    Count: 0,
    Big: '0',
    IsOpen: false,
    Day: null,
    At: null,
    Id: '00000000-0000-0000-0000-000000000000',
    to_Item: [],
    to_Buyer: null,
    ...more,
  };
}

/** What makes changes: the transaction itself. */
export type TrialWrites = Reader;

const always = { written: 'always' } as const;
const once = { written: 'once' } as const;
const order = { Order: number(10, once) };

async function store(writes: TrialWrites, key: string, version: number, state: unknown): Promise<void> {
  const json = JSON.stringify(state);
  await sql`insert into trial_order (key, version, state) values (${key}, ${version}, ${json}::jsonb)
    on conflict (key) do update set version = excluded.version, state = excluded.state`.execute(writes);
}

async function load(writes: TrialWrites, key: string): Promise<{ version: number; state: TrialOrder }> {
  const { rows } = await sql<{ version: number; state: TrialOrder }>`
    select version, state from trial_order where key = ${key} for update`.execute(writes);
  return rows[0]!;
}

const ORDER_CHANGES: EntityChanges<TrialWrites> = {
  create: async (writes, input) => {
    const key = String(input['Order']);
    if (input['Text'] === 'refused') throw new HeddleError('conflict', 'This text is refused.', { field: 'Text' });
    await store(writes, key, 1, trialOrder(key, input));
    return { Order: key };
  },
  change: async (writes, { key }, patch, { headers }) => {
    const { version, state } = await load(writes, key);
    const tag = headers['if-match'];
    if (tag !== '*' && tag !== `"${version}"`)
      throw new HeddleError('precondition-failed', `The version is ${version}.`);
    await store(writes, key, version + 1, { ...state, ...patch });
  },
  remove: async (writes, { key }) => {
    await sql`update trial_order set is_deleted = true, version = version + 1 where key = ${key}`.execute(writes);
  },
};

const ORDER: EntityModel<TrialWrites> = {
  name: 'A_Order',
  label: 'Order',
  view: 'v_order',
  keys: ['Order'],
  objectKey: 'Order',
  properties: {
    ...order,
    Text: text(40, always),
    Note: text(40, { nullable: true, ...always }),
    Amount: decimal(16, 3, always),
    Count: { type: 'Edm.Int32', ...always },
    Big: { type: 'Edm.Int64', ...always },
    IsOpen: flag(always),
    Day: day(always),
    At: instant(always),
    Id: guid(),
  },
  navigations: {
    to_Item: { to: 'A_Item', many: true, on: ['Order'], isDeep: true },
    to_Buyer: { to: 'A_Buyer', many: false, on: ['Order'] },
  },
  changes: ORDER_CHANGES,
};

const ITEM: EntityModel<TrialWrites> = {
  name: 'A_Item',
  view: 'v_item',
  keys: ['Order', 'Item'],
  objectKey: 'Order',
  properties: { ...order, Item: number(6, once), Text: text(40, always), Amount: decimal(16, 3, always) },
  navigations: {
    to_Line: { to: 'A_Line', many: true, on: ['Item'], where: { Kind: 'L' }, isDeep: true },
    to_OtherLine: { to: 'A_Line', many: true, on: ['Item'], where: { Kind: 'O' } },
    to_Order: { to: 'A_Order', many: false, on: ['Order'] },
  },
  changes: {
    create: async (writes, input, _by, parent) => {
      const key = parent?.key ?? String(input['Order']);
      const { version, state } = await load(writes, key);
      await store(writes, key, version + 1, {
        ...state,
        to_Item: [...state.to_Item, { to_Line: [], Text: '', Amount: '0', ...input }],
      });
      return { Order: key, Item: String(input['Item']) };
    },
  },
};

/** Of lines the keys do not say of which order they are. */
const LINE: EntityModel<TrialWrites> = {
  name: 'A_Line',
  view: 'v_line',
  keys: ['Item', 'Line'],
  properties: { Item: number(6), Line: number(4, once), Kind: text(1, once) },
  place: {
    needs: ['Kind'],
    of: ({ key, values }) => ({
      set: 'A_Item',
      keys: { Order: key, Item: values['Item'] ?? '' },
      navigation: values['Kind'] === 'O' ? 'to_OtherLine' : 'to_Line',
    }),
  },
};

const BUYER: EntityModel<TrialWrites> = {
  name: 'A_Buyer',
  view: 'v_buyer',
  keys: ['Order'],
  objectKey: 'Order',
  properties: { ...order, Name: text(40) },
};

export const TRIAL_SERVICE: ServiceModel<TrialWrites> = defineService({
  name: 'API_TRIAL',
  namespace: 'API_TRIAL',
  object: { name: 'order', table: 'trial_order', hasTombstones: true },
  entities: [ORDER, ITEM, LINE, BUYER],
  functions: [
    {
      name: 'closeOrder',
      parameters: { Order: number(10) },
      returns: 'A_Order',
      run: async (writes, { key }) => {
        const { version, state } = await load(writes, key);
        await store(writes, key, version + 1, { ...state, IsOpen: false });
      },
    },
  ],
});
