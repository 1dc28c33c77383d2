-- ARGV: id, token, index, segment JSON, timings JSON, counts (counter -> increment) as JSON.
-- Returns 1 committed, 0 was committed before, -1 stale, -2 a gap

local id, index = ARGV[1], tonumber(ARGV[3])
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return -1 end
local count = redis.call('LLEN', JOB .. id .. ':windows')
if index < count then return 0 end
if index > count then return -2 end
redis.call('RPUSH', JOB .. id .. ':windows', ARGV[4])
local at, before, counts = now(), get(id, 'committed_at'), cjson.decode(ARGV[6])
if before and tonumber(at) >= tonumber(before) then  -- else the clock was set back
  local measured = WINDOW_SECONDS_OF .. model_of(id)
  redis.call('LPUSH', measured, string.format('%.3f', tonumber(at) - tonumber(before)))
  redis.call('LTRIM', measured, 0, 63)
  redis.call('HINCRBYFLOAT', COUNTERS, 'render_seconds', tonumber(at) - tonumber(before))
  redis.call('HINCRBYFLOAT', COUNTERS, 'render_video_seconds', counts.video_seconds or 0)
end
for field, by in pairs(counts) do redis.call('HINCRBYFLOAT', COUNTERS, field, by) end
redis.call('HSET', JOB .. id, 'committed_at', at, 'timings', ARGV[5])
redis.call('HDEL', JOB .. id, 'crashes')  -- a job that gets on is not what kills its workers
local segment = cjson.decode(ARGV[4])
segment.key = nil
local data = {id = id, status = 'running', segment = segment, windows_done = count + 1,
              windows_total = tonumber(get(id, 'windows_total'))}
emit(id, 'window', data, 'video.segment', string.format('segment-%05d', index))
return 1
