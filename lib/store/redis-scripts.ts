// Each script touches keys of one slot only. Binary arguments arrive as they are: Redis strings are byte strings.

/**
 * Asks for a lease, unless the entry is no longer the one that was read: KEYS entry, lease; ARGV token, ms, bytes 4 to 11
 * of the frame read ('' for none). Answers nil (held), the holder's token, '!' (uncacheable) or '~' (look again).
 */
export const ASK_LEASE = `
if redis.call('GETRANGE', KEYS[1], 4, 11) ~= ARGV[3] then return '~' end
return redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2], 'NX', 'GET')`;

/**
 * Keeps an entry if its fill still has the right to: KEYS entry, lease; ARGV token ('' when unleased), frame, ms, channel,
 * '1' to keep the lease for more. An unleased fill stores only where nobody else is filling.
 */
export const STORE_ENTRY = `
local holder = redis.call('GET', KEYS[2])
if ARGV[1] == '' then
  if holder and holder ~= '!' then return 0 end
elseif holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[5] == '1' then return 1 end
if holder then redis.call('DEL', KEYS[2]) end
if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[4], '1') end
return 1`;

/**
 * Gives a lease back if it is still ours: KEYS lease; ARGV token, ms to be remembered as uncacheable (0: not), channel.
 * One that is gone (it ran out, was evicted or flushed) has nobody else to tell those who wait for it.
 */
export const RELEASE_LEASE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if holder and ARGV[2] == '0' then redis.call('DEL', KEYS[1]) end
if holder and ARGV[2] ~= '0' then redis.call('SET', KEYS[1], '!', 'PX', ARGV[2]) end
redis.call('PUBLISH', ARGV[3], '1')
return 1`;

/** Extends a lease if it is still ours: KEYS lease; ARGV token, ms. */
export const RENEW_LEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

/** Makes what relies on a group stale: KEYS version; ARGV 8 new bytes followed by the instant. A missing record stays missing: nothing valid relies on it. */
export const SOFTEN_GROUP = `
if redis.call('TYPE', KEYS[1])['ok'] ~= 'string' then
  redis.call('DEL', KEYS[1])
  return 0
end
if redis.call('STRLEN', KEYS[1]) < 32 then return 0 end
redis.call('SETRANGE', KEYS[1], 16, ARGV[1])
return 1`;

/**
 * Notes an invalidation in the namespace record: KEYS record, prefixes; ARGV mode ('hard', 'soft' or ''), new record,
 * new soft part and instant, new token, the greatest number of prefixes, then pairs of prefix and its value ('h' or 's' and instant).
 * More prefixes than the list may hold empty the namespace instead: nothing is dropped silently. Records that are none
 * of ours are removed, which invalidates everything.
 */
export const MARK_NAMESPACE = `
local list = redis.call('TYPE', KEYS[2])['ok']
local whole = redis.call('TYPE', KEYS[1])['ok'] == 'string' and (list == 'hash' or list == 'none')
if not whole or redis.call('STRLEN', KEYS[1]) ~= 48 then
  redis.call('DEL', KEYS[1], KEYS[2])
  return 0
end
local sequence = struct.unpack('>d', redis.call('GETRANGE', KEYS[1], 40, 47))
if sequence == 0 then redis.call('DEL', KEYS[2]) end
for i = 6, #ARGV, 2 do
  sequence = sequence + 1
  redis.call('HSET', KEYS[2], ARGV[i], string.format('%.0f', sequence) .. ' ' .. ARGV[i + 1])
end
local overflow = #ARGV > 5 and redis.call('HLEN', KEYS[2]) > tonumber(ARGV[5])
if ARGV[1] == 'hard' or overflow then
  local ttl = redis.call('PTTL', KEYS[1])
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[1], ARGV[2])
  if ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
  return 2
end
if ARGV[1] == 'soft' then redis.call('SETRANGE', KEYS[1], 16, ARGV[3]) end
redis.call('SETRANGE', KEYS[1], 32, ARGV[4] .. struct.pack('>d', sequence))
return 1`;

/** Removes a damaged value unless somebody replaced it meanwhile: KEYS entry; ARGV SHA-1 of what was read. */
export const REMOVE_DAMAGED = `
local value = redis.call('GET', KEYS[1])
if value and redis.sha1hex(value) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0`;
