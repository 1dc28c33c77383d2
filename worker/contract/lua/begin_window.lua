-- ARGV: id, token, index. Returns the spec as it is now, or nothing when the token is stale

local id = ARGV[1]
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return nil end
local begun = tonumber(get(id, 'begun') or -1)
redis.call('HSET', JOB .. id, 'begun', math.max(begun, tonumber(ARGV[3])))
return get(id, 'spec')
