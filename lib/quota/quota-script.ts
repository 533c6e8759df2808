import { redisScript } from './redis-script.js';

// All scripts keep one hash per partition key, with one field per counter shape: `b<µs>` holds the instant at which the
// bucket is full again, `w<µs>` holds `<used>:<end>`. One key, so a cluster finds everything in one slot, and a change of
// limits keeps what was used. Every instant is Redis' own TIME in microseconds: clocks of processes play no part.

const SHAPES = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = tonumber(ARGV[1])
local field, bucket, size, limit, cap = {}, {}, {}, {}, {}
for i = 1, count do
  local name = ARGV[3 * i - 1]
  field[i] = name
  bucket[i] = string.sub(name, 1, 1) == 'b'
  size[i] = tonumber(string.sub(name, 2))
  limit[i] = tonumber(ARGV[3 * i])
  cap[i] = tonumber(ARGV[3 * i + 1])
end
local function whole(number) return string.format('%.0f', number) end

-- What is stored, with everything impossible put right: another type, no number, a negative count, an instant too far ahead.
local function load(key)
  local at, used, repaired = {}, {}, 0
  local raw = redis.pcall('HMGET', key, unpack(field))
  if raw.err then
    redis.call('DEL', key)
    raw, repaired = {}, 1
  end
  for i = 1, count do
    local value, stamp, amount = raw[i], nil, '0'
    if value then
      if bucket[i] then stamp = string.match(value, '^%d+$') else amount, stamp = string.match(value, '^(%d+):(%d+)$') end
      if not stamp then repaired = 1 end
    end
    at[i], used[i] = tonumber(stamp or '0'), tonumber(amount or '0')
    if at[i] <= now then
      at[i], used[i] = now, 0
    else
      at[i] = math.min(at[i], now + size[i] * (bucket[i] and cap[i] or 1))
    end
  end
  return at, used, repaired
end

local function save(key, at, used)
  local values, last = {}, now
  for i = 1, count do
    values[#values + 1] = field[i]
    values[#values + 1] = bucket[i] and whole(at[i]) or whole(used[i]) .. ':' .. whole(at[i])
    if at[i] > last then last = at[i] end
  end
  redis.call('HSET', key, unpack(values))
  -- A key that has no expiry, or would go before its counters, gets one; a later expiry (another version's window) stays.
  local keep = math.ceil((last - now) / 1000) + 1
  if redis.call('PTTL', key) < keep then redis.call('PEXPIRE', key, keep) end
end
`;

/**
 * Checks and charges one request per key. KEYS: one hash per request. ARGV: number of shapes, then field, limit (-1: only
 * charge) and cap of each, then one cost per key (0: only look). Answers per key: time, admitted, repaired, then
 * remaining, reset and retry (µs; -1 where it fits) of each checked shape.
 */
export const COUNT_SCRIPT = redisScript(`${SHAPES}
local function judge(key, cost)
  local at, used, repaired = load(key)
  local answer, admitted, next = { now, 1, repaired }, true, {}
  for i = 1, count do
    local fits, left, reset, retry
    if bucket[i] then
      local span = limit[i] * size[i]
      next[i] = at[i] + cost * size[i]
      fits = next[i] <= now + span
      local full = fits and next[i] or at[i]
      left, reset = math.floor((now + span - full) / size[i]), full - now
      retry = cost > limit[i] and math.max(at[i] - now, size[i]) or next[i] - now - span
    else
      fits = used[i] + cost <= limit[i]
      reset = at[i] > now and at[i] - now or size[i]
      left, retry = limit[i] - used[i] - (fits and cost or 0), reset
    end
    if limit[i] >= 0 then
      admitted = admitted and fits
      answer[#answer + 1] = math.max(left, 0)
      answer[#answer + 1] = reset
      answer[#answer + 1] = fits and -1 or retry
    end
  end
  if not admitted then
    answer[2] = 0
  elseif cost > 0 then
    for i = 1, count do
      if bucket[i] then
        at[i] = math.min(next[i], now + cap[i] * size[i])
      else
        if at[i] <= now then at[i] = now + size[i] end
        used[i] = used[i] + cost
      end
    end
    save(key, at, used)
  end
  return answer
end

local answers = {}
for k = 1, #KEYS do answers[k] = judge(KEYS[k], tonumber(ARGV[3 * count + 1 + k])) end
return answers
`);

/** Gives back a charge. KEYS[1]; ARGV as in {@link COUNT_SCRIPT}, then the cost and the time of the charge. Never below zero. */
export const REFUND_SCRIPT = redisScript(`${SHAPES}
local cost, chargedAt = tonumber(ARGV[3 * count + 2]), tonumber(ARGV[3 * count + 3])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local at, used = load(KEYS[1])
for i = 1, count do
  if at[i] > now then
    if bucket[i] then at[i] = math.max(now, at[i] - cost * size[i])
    elseif at[i] - size[i] <= chargedAt then used[i] = math.max(0, used[i] - cost) end
  end
end
save(KEYS[1], at, used)
return 1
`);

/**
 * Puts right a window counter of rate-limit-redis. KEYS[1]; ARGV: window in ms, how much to add to a sound counter.
 * A value that is no positive count starts again at 1; a missing or too distant expiry becomes one window.
 */
export const REPAIR_WINDOW_SCRIPT = redisScript(`
local window, add = tonumber(ARGV[1]), tonumber(ARGV[2])
local value, ttl = redis.pcall('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
if type(value) ~= 'string' or not string.match(value, '^%d+$') or #value > 15 or tonumber(value) < 1 or ttl == 0 then
  redis.call('SET', KEYS[1], 1, 'PX', window)
  return { 1, window }
end
if ttl < 0 or ttl > window then
  redis.call('PEXPIRE', KEYS[1], window)
  ttl = window
end
return { redis.call('INCRBY', KEYS[1], add), ttl }
`);

/** Takes one request back from a window counter: only from a live, positive one, and never the expiry with it. */
export const DECREMENT_WINDOW_SCRIPT = redisScript(`
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and string.match(value, '^%d+$') and tonumber(value) > 0 and redis.call('PTTL', KEYS[1]) > 0 then
  return redis.call('DECR', KEYS[1])
end
return 0
`);
