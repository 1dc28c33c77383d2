-- ARGV: id, token, '' or, after an error, how many in a row end the job, '' or, to yield, slice windows.
-- Returns 1 left, 0 stale, -1 too many

local id = ARGV[1]
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return 0 end
if get(id, 'cancel_requested') == '1' then cancel(id) return 1 end
if ARGV[3] ~= '' and redis.call('HINCRBY', JOB .. id, 'crashes', 1) >= tonumber(ARGV[3]) then return -1 end
if ARGV[4] ~= '' then new_tag(id, ARGV[4]) end
queue(id)
return 1
