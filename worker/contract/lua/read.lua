-- ARGV: ids. Returns each one's record, with spec, windows and rank in its line, as a JSON object; or nothing

local found = {}
for place, id in ipairs(ARGV) do
  local flat, record = redis.call('HGETALL', JOB .. id), {}
  for at = 1, #flat, 2 do record[flat[at]] = flat[at + 1] end
  local spec = record.spec
  local model = record.model or spec and cjson.decode(spec).model or ''
  record.spec, record.rank = nil, redis.call('ZRANK', PENDING_OF .. model, id) or nil
  -- Spec and windows are JSON already.
  local windows = table.concat(redis.call('LRANGE', JOB .. id .. ':windows', 0, -1), ',')
  local both = spec and '{"spec":' .. spec .. ',"windows":[' .. windows .. '],'
  found[place] = both and both .. cjson.encode(record):sub(2) or false
end
return found
