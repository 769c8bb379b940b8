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
export declare function serviceDoorsContract(types: string, serviceOf: () => OpenedService): void;
//# sourceMappingURL=service-doors.contract.d.ts.map