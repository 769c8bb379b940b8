import { expect, it } from 'vitest';

/** A microservice at work, as far as this asks. */
export interface OpenedService {
  /** As `GET /contracts/{key}`: those in its document, and those that it answers on. */
  documentedRoutes(): string[];
  realRoutes(): string[];
  bearerOf(permissions: readonly string[], tenant?: string): string;
  /** What each documented route answers to a request with this header, about an object there is not. */
  statusesFor(authorization: string): Promise<Record<string, number>>;
}

/**
 * Who may do what at a microservice; held by each of them.
 *
 * @param types the event types of its objects, as permissions name them
 */
export function serviceDoorsContract(types: string, serviceOf: () => OpenedService): void {
  it('are read and changed only by who may, and there are none for another tenant', async () => {
    const service = serviceOf();
    const isRead = (route: string): boolean => route.startsWith('GET ');
    const refusedOf = async (permission: string): Promise<string[]> => {
      const statuses = Object.entries(await service.statusesFor(service.bearerOf([permission])));
      return statuses.filter(([, status]) => status === 403).map(([route]) => route);
    };
    const routes = service.documentedRoutes();
    expect(await refusedOf('consume:type:*')).toEqual(routes);
    expect(await refusedOf(`fetch:type:${types}`)).toEqual(routes.filter((route) => !isRead(route)));
    expect(await refusedOf(`publish:type:${types}`)).toEqual(routes.filter(isRead));
    expect(await refusedOf('*')).toEqual([]);
    const ofAnother = Object.values(await service.statusesFor(service.bearerOf(['*'], 'acme')));
    expect(new Set(ofAnother)).toEqual(new Set([404]));
    for (const header of ['', 'Bearer x', 'Basic x']) {
      expect(new Set(Object.values(await service.statusesFor(header)))).toEqual(new Set([401]));
    }
  });

  it('are documented as they answer, operation by operation', () => {
    expect(serviceOf().realRoutes()).toEqual(serviceOf().documentedRoutes());
  });
}
