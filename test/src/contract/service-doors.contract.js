import { expect, it } from 'vitest';
/**
 * Who may do what at a microservice; held by each of them.
 *
 * @param types the event types of its objects, as permissions name them
 */
export function serviceDoorsContract(types, serviceOf) {
    it('are read and changed only by who may, and there are none for another tenant', async () => {
        const service = serviceOf();
        const isRead = (route) => route.startsWith('GET ');
        const refusedOf = async (permission) => {
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
//# sourceMappingURL=service-doors.contract.js.map