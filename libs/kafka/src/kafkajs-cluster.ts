import type { Kafka } from 'kafkajs';
import { FETCH, type FetchAnswer, type FetchRequest, decodeFetch, encodeFetch } from './fetch-protocol.js';

/** A request as kafkajs sends it: bytes out, and how the answer is read. */
export interface ProtocolRequest {
  request: {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
  };
  response: { decode(bytes: Buffer): Promise<FetchAnswer>; parse(answer: FetchAnswer): Promise<FetchAnswer> };
  requestTimeout: number;
}

export interface PartitionLeader {
  partitionId: number;
  leader: number;
}

/** The broker that keeps a consumer group: its requests by the names that the protocol gives them. */
export interface GroupCoordinator {
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    /** Empty for who is not a member yet. */
    memberId: string;
    groupProtocols: readonly { name: string; metadata: Buffer }[];
  }): Promise<{
    generationId: number;
    leaderId: string;
    memberId: string;
    /** All members, for the leader only. */
    members: readonly { memberId: string; memberMetadata: Buffer }[];
  }>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

/** The connections of one client to the brokers, and what it knows of topics. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly PartitionLeader[];
  findGroupCoordinator(group: { groupId: string }): Promise<GroupCoordinator>;
  findBroker(node: {
    nodeId: string;
  }): Promise<{ connectionPool: { send(request: ProtocolRequest): Promise<FetchAnswer> } }>;
}

const READ_COMMITTED = 1;

/**
 * Connections of their own, as every consumer of kafkajs has them. kafkajs keeps the way to them behind a symbol; what
 * it lacks is reading partitions without a group, which every other Kafka client offers.
 */
export function clusterOf(kafka: Kafka): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  );
  const factory = create === undefined ? undefined : (kafka as never)[create];
  if (typeof factory !== 'function') throw new Error('kafkajs is not the version this library is made for (2.2.4)');
  return (factory as (options: object) => Cluster)({
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    metadataMaxAge: 300_000,
  });
}

/** A fetch of one broker, over the connection that kafkajs keeps for fetches alone. */
export async function sendFetch(
  cluster: Cluster,
  nodeId: string,
  request: FetchRequest,
  requestTimeout: number,
): Promise<FetchAnswer> {
  const broker = await cluster.findBroker({ nodeId });
  return broker.connectionPool.send({
    request: {
      ...FETCH,
      encode: () => {
        const buffer = encodeFetch(request);
        // kafkajs looks whether `buf` is a buffer, and takes `buffer`.
        return Promise.resolve({ buf: buffer, buffer });
      },
    },
    response: {
      decode: (bytes) => Promise.resolve(decodeFetch(bytes)),
      parse: (decoded) => Promise.resolve(decoded),
    },
    requestTimeout,
  });
}
