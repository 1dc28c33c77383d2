-- ARGV: id, windows rendered in this slice, slice windows. Returns 1 when the next in line has a better claim

local id = ARGV[1]
if not get(id, 'tag') then return 0 end
local first = redis.call('ZRANGE', line_of(id), 0, 0, 'WITHSCORES')
if not first[1] then return 0 end
local tag = tonumber(ARGV[2]) < tonumber(ARGV[3]) and tonumber(get(id, 'tag')) or next_tag(id)
return tonumber(first[2]) < claim_of(id, tag) and 1 or 0
