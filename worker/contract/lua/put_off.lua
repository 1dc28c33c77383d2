-- ARGV: webhook id, reason, when it is due again or '' to give it up.
-- A taker that answers late, when the entry has left the outbox, changes nothing

local id, due = ARGV[1], ARGV[3]
if not redis.call('ZSCORE', OUTBOX, id) then return 0 end
redis.call('HSET', OUTBOX_ENTRY .. id, 'reason', ARGV[2])
if due ~= '' then redis.call('ZADD', OUTBOX, due, id) return 1 end
redis.call('ZREM', OUTBOX, id)
redis.call('ZADD', DEAD_LETTERS, now(), id)
return 1
