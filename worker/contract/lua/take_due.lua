-- ARGV: now or '', limit, seconds until a taken entry that nobody answered for is due again, seconds farther
-- off than which nothing is put: if it is, the clock was set back since, and it is due

local at = ARGV[1] ~= '' and ARGV[1] or now()
local due = redis.call('ZRANGEBYSCORE', OUTBOX, '-inf', at, 'LIMIT', 0, ARGV[2])
local left = ARGV[2] - #due
if left > 0 then
  local farthest = '(' .. tonumber(at) + ARGV[4]
  for _, webhook_id in ipairs(redis.call('ZRANGEBYSCORE', OUTBOX, farthest, '+inf', 'LIMIT', 0, left)) do
    table.insert(due, webhook_id)
  end
end
local entries = {}
for _, webhook_id in ipairs(due) do
  redis.call('ZADD', OUTBOX, tonumber(at) + tonumber(ARGV[3]), webhook_id)
  redis.call('HINCRBY', OUTBOX_ENTRY .. webhook_id, 'attempts', 1)
  table.insert(entries, {webhook_id, redis.call('HGETALL', OUTBOX_ENTRY .. webhook_id)})
end
return entries
