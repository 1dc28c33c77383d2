-- ARGV: id, spec as it was read, spec as it shall be, its priority, the first window that is changed or ''.
-- The first one's prompt also paints the picture, and that begins when the job is taken

local id, state, first = ARGV[1], get(ARGV[1], 'state'), tonumber(ARGV[5])
if not state or terminal(state) then return 'over' end
if get(id, 'spec') ~= ARGV[2] then return 'changed' end
local done = redis.call('LLEN', JOB .. id .. ':windows')
if first and (first < done or first <= tonumber(get(id, 'begun') or -1)
              or first == 0 and get(id, 'started_at')) then return 'begun' end
redis.call('HSET', JOB .. id, 'spec', ARGV[3], 'priority', ARGV[4])
if state == 'queued' then line_up(id) end
emit(id, 'amended', {id = id, status = state})
return 'amended'
