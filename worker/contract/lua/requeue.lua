-- ARGV: id, max attempts, and an entry for rq. Returns 1 when the job is queued now

local id, state = ARGV[1], get(ARGV[1], 'state')
if state == 'queued' then
  line_up(id)  -- it may be astray
  wake(id, unpack(ARGV, 3))
  return 1
end
if state ~= 'running' or redis.call('EXISTS', JOB .. id .. ':lease') == 1 then return 0 end
if orphaned(id, tonumber(ARGV[2])) then return 0 end
queue(id)
wake(id, unpack(ARGV, 3))
return 1
