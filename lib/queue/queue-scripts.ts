// Each script touches keys of one slot only. An item is the fields `i` (its id) and `b` (its text).

/**
 * Keeps items while there is room: KEYS items, producer; ARGV greatest length, ms to remember the producer for, number of
 * the first item, then pairs of id and text. Answers how many are kept by now. A producer numbers its items, so what
 * comes twice, or late after its successors (a call that was given up and carried out all the same), is kept once and in order.
 */
export const APPEND = `
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local number = tonumber(ARGV[3])
local kept = 0
for i = 4, #ARGV, 2 do
  if number > last then
    if room <= 0 then break end
    redis.call('XADD', KEYS[1], '*', 'i', ARGV[i], 'b', ARGV[i + 1])
    room = room - 1
    last = number
  end
  number = number + 1
  kept = kept + 1
end
if kept > 0 then redis.call('SET', KEYS[2], string.format('%.0f', last), 'PX', ARGV[2]) end
return kept`;

/**
 * Takes the oldest items for the consumer that owns the queue: KEYS owner, items; ARGV token, group, consumer, how many,
 * '1' to begin with what others, or this one before, took and did not settle. Answers 0 for who is no longer the owner,
 * else the entries and, for those taken before, [entry, …, …, times].
 */
export const TAKE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[5] == '1' then
  local claimed = redis.call('XAUTOCLAIM', KEYS[2], ARGV[2], ARGV[3], 0, '0-0', 'COUNT', ARGV[4])[2]
  if #claimed > 0 then
    local last = claimed[#claimed][1]
    return {claimed, redis.call('XPENDING', KEYS[2], ARGV[2], claimed[1][1], last, ARGV[4])}
  end
end
local read = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], '>')
if not read then return {{}, {}} end
return {read[1][2], {}}`;

/** Forgets items that were flushed: KEYS items, tries; ARGV group, entries. */
export const SETTLE = `
local group = table.remove(ARGV, 1)
redis.call('XACK', KEYS[1], group, unpack(ARGV))
redis.call('XDEL', KEYS[1], unpack(ARGV))
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HDEL', KEYS[2], unpack(ARGV)) end
return 1`;

/** Moves an item to those set aside: KEYS items, tries, poisoned; ARGV group, entry, id, text, reason. Doing it again does nothing. */
export const SET_ASIDE = `
if redis.call('XDEL', KEYS[1], ARGV[2]) == 1 then
  redis.call('XADD', KEYS[3], '*', 'i', ARGV[3], 'b', ARGV[4], 'r', ARGV[5])
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
return 1`;

/** Puts items set aside back at the end: KEYS items, poisoned; ARGV how many. Answers how many there were. */
export const REQUEUE = `
local back = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(back) do
  local fields = entry[2]
  redis.call('XADD', KEYS[1], '*', fields[1], fields[2], fields[3], fields[4])
  redis.call('XDEL', KEYS[2], entry[1])
end
return #back`;

/**
 * Forgets consumers of earlier processes that have nothing left to claim: KEYS owner, items; ARGV token, group, own name.
 * In one step, as a consumer that is forgotten takes what it has not settled with it.
 */
export const FORGET_CONSUMERS = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[2], ARGV[2])) do
  local name, pending
  for i = 1, #consumer, 2 do
    if consumer[i] == 'name' then name = consumer[i + 1] end
    if consumer[i] == 'pending' then pending = consumer[i + 1] end
  end
  if pending == 0 and name ~= ARGV[3] then redis.call('XGROUP', 'DELCONSUMER', KEYS[2], ARGV[2], name) end
end
return 1`;
