/** Names and addresses of this machine that no other can reach. */
export const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
