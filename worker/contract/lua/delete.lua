-- ARGV: id

local id, owner = ARGV[1], get(ARGV[1], 'owner')
if not owner then return 0 end
local sources = cjson.decode(get(id, 'sources') or '[]')
unqueue(id)
redis.call('DEL', JOB .. id, JOB .. id .. ':windows', JOB .. id .. ':events', JOB .. id .. ':lease')
redis.call('ZREM', INDEX, id)
redis.call('ZREM', INDEX_OF .. owner, id)
redis.call('ZREM', FINISHED, id)
redis.call('SREM', RUNNING, id)
for _, source in ipairs(sources) do
  redis.call('SREM', SHARERS_OF .. source, id)
  discard(source)
end
discard(id)
return 1
