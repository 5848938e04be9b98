-- Sends each line of a file once: `token slot patient` becomes a booking, anything else is a path.
-- arguments: file, a nonce for the keys, "repeat" to begin again at the end
-- Prints one line of JSON. Run it with one thread: every thread would send the same lines.

local sent, size, again = 0, 0, false
counts, exhausted = {}, false
local ready = {}

function setup(thread)
  the_thread = thread
end

function init(args)
  local nonce = args[2]
  again = args[3] == "repeat"
  for line in io.lines(args[1]) do
    size = size + 1
    local token, slot, patient = line:match("^(%S+) (%S+) (%S+)$")
    if token then
      ready[size] = wrk.format("POST", "/api/v1/appointments", {
        ["Host"] = wrk.headers["Host"],
        ["Authorization"] = "Bearer " .. token,
        ["Content-Type"] = "application/json",
        ["Idempotency-Key"] = string.format("%s-%08d", nonce, size),
      }, '{"slot_id":"' .. slot .. '","patient_id":"' .. patient .. '"}')
    else
      ready[size] = wrk.format("GET", line)
    end
  end
end

function request()
  sent = sent + 1
  if sent > size then
    if again then
      sent = 1
    else
      exhausted = true
      wrk.thread:stop()
      sent = size
    end
  end
  return ready[sent]
end

function response(status)
  counts[status] = (counts[status] or 0) + 1
end

function done(summary, latency)
  local parts = {}
  for status, count in pairs(the_thread:get("counts")) do
    parts[#parts + 1] = string.format('"%d": %d', status, count)
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"duration_s": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "broken": %d, "exhausted": %s, "statuses": {%s}}\n',
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout,
    tostring(the_thread:get("exhausted")), table.concat(parts, ", ")))
end
