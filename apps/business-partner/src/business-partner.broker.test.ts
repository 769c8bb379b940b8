import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serviceDoorsContract } from '../../../test/src/contract/service-doors.contract.js';
import { businessPartner } from './business-partner.module.js';
import type { BusinessPartnerTables } from './business-partner.repository.js';
import { PartnerContracts } from './partner-contracts.js';

describe('business partners over REST', () => {
  let trial: ServiceTrial<BusinessPartnerTables>;

  beforeAll(async () => {
    trial = await ServiceTrial.open(businessPartner);
  });

  afterAll(() => trial.close());

  beforeEach(() => trial.forgetEvents());

  const organisation = { BusinessPartnerCategory: '2', OrganizationBPName1: 'Alder & Birch Ltd' };
  const create = (more: object = {}) => trial.request('POST', '/business-partners', { ...organisation, ...more });
  const patch = (key: string, value: object, ifMatch?: string) =>
    trial.request('PATCH', `/business-partners/${key}`, value, ifMatch === undefined ? {} : { 'if-match': ifMatch });

  it('are created, and Created reaches the log with number, reference and origin', async () => {
    const answer = await trial.request(
      'POST',
      '/business-partners',
      {
        BusinessPartner: '0001000667',
        BusinessPartnerCategory: '1',
        FirstName: 'Ada',
        LastName: 'Byron',
        to_BusinessPartnerAddress: [{ CityName: 'London', to_EmailAddress: [{ EmailAddress: 'ada@example.org' }] }],
      },
      { 'x-correlation-id': 'corr-1' },
    );
    expect(answer).toMatchObject({
      status: 201,
      headers: { etag: '"1"', location: '/business-partners/1000667' },
      body: { BusinessPartner: '1000667', BusinessPartnerFullName: 'Ada Byron' },
    });
    const [created] = await trial.eventsOf('1000667', 1);
    expect(created).toMatchObject({
      type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1',
      subject: '1000667',
      sequence: '000000000001',
      dataref: '/v1/objects/business-partner/1000667?version=1',
      correlationid: 'corr-1',
      data: { BusinessPartner: '1000667' },
    });
  });

  it('raise Created and Changed with their number and nothing else, whatever of them has changed', async () => {
    await create({ BusinessPartner: '0000000667' });
    const changes = [
      { to_BusinessPartnerAddress: [{ CityName: 'Hull', to_PhoneNumber: [{ PhoneNumber: '+44 1482 000000' }] }] },
      { to_BusinessPartnerRole: [{ BusinessPartnerRole: 'FLCU01' }] },
      { to_BusinessPartnerTax: [{ BPTaxType: 'GB0', BPTaxNumber: 'GB123456789' }] },
      { to_BusinessPartnerBank: [{ BankIdentification: '0001', IBAN: 'GB33BUKB20201555555555' }] },
      { to_Customer: { CustomerAccountGroup: 'CUST' } },
      { to_Supplier: {} },
    ];
    for (const [index, change] of changes.entries()) {
      expect(await patch('667', change, `"${index + 1}"`)).toMatchObject({
        status: 200,
        headers: { etag: `"${index + 2}"` },
      });
    }
    const events = await trial.eventsOf('667', changes.length + 1);
    expect(events.map(({ type }) => type.split('.').at(-2))).toEqual(['Created', ...changes.map(() => 'Changed')]);
    for (const { data } of events) expect(data).toEqual({ BusinessPartner: '667' });
  });

  it('get a number when none is given, and keep the one they have', async () => {
    const first = Number((await create()).body['BusinessPartner']);
    expect(first).toBeGreaterThanOrEqual(1_000_000);
    await create({ BusinessPartner: String(first + 1) });
    expect(Number((await create()).body['BusinessPartner'])).toBe(first + 2);
    expect(await create({ BusinessPartner: String(first) })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('are read with their version, and not again by who has it', async () => {
    await create({ BusinessPartner: 'READ' });
    expect(await trial.request('GET', '/business-partners/READ')).toMatchObject({
      status: 200,
      headers: { etag: '"1"' },
      body: { OrganizationBPName1: 'Alder & Birch Ltd' },
    });
    const again = await trial.request('GET', '/business-partners/READ', undefined, { 'if-none-match': '"1"' });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect(await trial.request('GET', '/business-partners/NONE')).toMatchObject({ status: 404 });
  });

  it('are changed, blocked and marked for archiving, each raising Changed, and nothing when nothing differs', async () => {
    await create({ BusinessPartner: 'P1' });
    expect(await patch('P1', { Industry: 'IT' })).toMatchObject({ status: 428 });
    expect(await patch('P1', { Industry: 'IT' }, '"7"')).toMatchObject({ status: 412 });
    expect(await patch('P1', { Industry: 'IT' }, '"1"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(await patch('P1', { Industry: 'IT' }, '"2"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const blocked = await patch('P1', { BusinessPartnerIsBlocked: true }, '*');
    expect(blocked).toMatchObject({ status: 200, headers: { etag: '"3"' }, body: { BusinessPartnerIsBlocked: true } });
    await patch('P1', { IsMarkedForArchiving: true }, '"3"');
    expect(await patch('P1', { Industry: 'IT2' }, '*')).toMatchObject({ status: 409 });
    const events = await trial.eventsOf('P1', 4);
    expect(events.map(({ type, sequence }) => [type.split('.').at(-2), Number(sequence)])).toEqual([
      ['Created', 1],
      ['Changed', 2],
      ['Changed', 3],
      ['Changed', 4],
    ]);
  });

  it('with contracts that are in force are not marked for archiving, until the last one is terminated', async () => {
    await create({ BusinessPartner: 'C9' });
    const at = '2026-02-14T09:30:00.000Z';
    const Document = { href: '/x', mediaType: 'text/plain', sizeBytes: 1, sha256: 'a'.repeat(64) };
    const signed = {
      NetAmount: '1',
      Currency: 'EUR',
      EffectiveFrom: '2026-04-01',
      SignedAt: at,
      SignedBy: null,
      Document,
    };
    const ended = { Reason: 'Notice', EffectiveOn: '2026-06-30', TerminatedAt: at };
    const tell = async (key: string, action: 'Signed' | 'Terminated', sequence?: number): Promise<void> => {
      const type = `heddle.contract.v1.Contract.${action}.v1`;
      const data = { Contract: key, Counterparty: 'C9', ...(action === 'Signed' ? signed : ended) };
      await trial.append({ topic: 'contract', type, key, sequence, data });
      const rank = action === 'Signed' ? 1 : 2;
      const heard = trial.db.selectFrom('partner_contract').select('rank').where('contract', '=', key);
      await vi.waitFor(async () => expect(await heard.executeTakeFirst()).toEqual({ rank }), { timeout: 10_000 });
    };
    const mark = () => patch('C9', { IsMarkedForArchiving: true }, '*');
    const refused = { status: 409, body: { code: 'conflict', field: 'IsMarkedForArchiving' } };
    await tell('K-1', 'Signed', 3);
    // From elsewhere, without a number.
    await tell('K-2', 'Signed');
    expect(await mark()).toMatchObject(refused);
    expect((await mark()).body['detail']).toContain('2 active contracts');
    expect(await patch('C9', { Industry: 'IT' }, '*')).toMatchObject({ status: 200 });
    await tell('K-1', 'Terminated', 4);
    expect(await mark()).toMatchObject(refused);
    await tell('K-2', 'Terminated');
    const contracts = new PartnerContracts();
    for (const contract of ['K-1', 'K-2']) {
      const told = { partner: 'C9', status: 'SIGNED', sequence: 3 } as const;
      await trial.db.transaction().execute((tx) => contracts.hear(tx, contract, told));
    }
    expect(await mark()).toMatchObject({ status: 200, body: { IsMarkedForArchiving: true } });
  });

  it('are listed page by page, each once', async () => {
    for (const number of ['Q1', 'Q2', 'Q3']) await create({ BusinessPartner: number });
    const seen: string[] = [];
    for (let path: string | null = '/business-partners?limit=2&after=Q'; path !== null;) {
      const page = await trial.request('GET', path);
      const partners = page.body['value'] as { BusinessPartner: string }[];
      seen.push(...partners.map(({ BusinessPartner }) => BusinessPartner));
      path = page.body['next'] as string | null;
    }
    expect(seen.slice(0, 3)).toEqual(['Q1', 'Q2', 'Q3']);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('that are wrong are answered with the field, and where it is not known with the nearest that is', async () => {
    expect(await create({ OrganizationBPName1: '' })).toMatchObject({
      status: 422,
      body: { code: 'data-invalid', field: 'OrganizationBPName1' },
    });
    expect(await create({ LastNmae: 'Meier' })).toMatchObject({
      status: 422,
      body: {
        code: 'data-invalid',
        field: 'LastNmae',
        detail: 'LastNmae is not known here; did you mean LastName?',
      },
    });
  });

  serviceDoorsContract('sap.s4.beh.businesspartner.v1.*', () => trial);
});
