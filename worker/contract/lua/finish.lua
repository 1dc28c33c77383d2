-- ARGV: id, token, state, error JSON or '', artifacts JSON, timings JSON or ''

local id, state = ARGV[1], get(ARGV[1], 'state')
if get(id, 'token') ~= ARGV[2] then return 0 end
if terminal(state) then return 1 end  -- the same worker says it again
for field, key in pairs(cjson.decode(ARGV[5])) do redis.call('HSET', JOB .. id, field, key) end
if ARGV[6] ~= '' then redis.call('HSET', JOB .. id, 'timings', ARGV[6]) end
conclude(id, ARGV[3], ARGV[4])
return 1
