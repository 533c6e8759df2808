/**
 * The fault kit: real servers, real faults, nothing simulated. For tests of warmpath and of applications that use it.
 * Every process it starts is gone with the process that started it.
 */
export { eventually } from './eventually.js';
export { type FakeClock, fakeClock } from './fake-clock.js';
export { type Faulty, faulty } from './faulty.js';
export { findRedisServer } from './find-redis-server.js';
export { freePort, freePorts } from './free-port.js';
export { type Gate, gate } from './gate.js';
export { type AnswerWithHeaders, cacheMatchers } from './matchers.js';
export { type RedisCluster, type StartClusterOptions, startCluster } from './redis-cluster.js';
export { type RedisSentinel, startSentinel } from './redis-sentinel.js';
export { type RedisServer, type StartRedisOptions, startRedis } from './redis-server.js';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
