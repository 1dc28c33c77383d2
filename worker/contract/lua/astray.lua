-- Returns the jobs that wait in no line: an older version, which had one for all models, accepted them

local astray = {}
for _, id in ipairs(redis.call('ZRANGE', WAITING_SINCE, 0, -1)) do
  if not redis.call('ZSCORE', line_of(id), id) then table.insert(astray, id) end
end
return astray
