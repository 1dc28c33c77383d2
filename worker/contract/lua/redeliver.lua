-- ARGV: webhook id, owner. Returns 1 when it is owed again, with all its tries before it

local entry = OUTBOX_ENTRY .. ARGV[1]
if redis.call('HGET', entry, 'owner') ~= ARGV[2] or redis.call('ZREM', DEAD_LETTERS, ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', entry, 'attempts', 0)
redis.call('ZADD', OUTBOX, now(), ARGV[1])
return 1
