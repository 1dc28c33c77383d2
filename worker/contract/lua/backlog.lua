-- ARGV: model. Returns the windows left of its jobs in the line, in its order, and of those that run: numbers
-- as text

local function left(ids)
  local numbers = {}
  for place, id in ipairs(ids) do
    local total = tonumber(get(id, 'windows_total') or 0)
    numbers[place] = math.max(0, total - redis.call('LLEN', JOB .. id .. ':windows'))
  end
  return table.concat(numbers, ' ')
end
local running = {}
for _, id in ipairs(redis.call('SMEMBERS', RUNNING)) do
  if model_of(id) == ARGV[1] then table.insert(running, id) end
end
return {left(redis.call('ZRANGE', PENDING_OF .. ARGV[1], 0, -1)), left(running)}
