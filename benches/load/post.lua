-- Posts the bodies of a file in turn, and prints what wrk measured as one line of JSON.
--   wrk … URL -- FILE MEDIA-TYPE     FILE holds each body behind a line with its length
local requests = {}
local at = 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.headers["content-type"] = arguments[2]
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = wrk.format("POST", nil, nil, file:read(length))
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local line = '\nFIGURES {"requests": %d, "microseconds": %d, "p50": %.0f, "p99": %.0f, "p999": %.0f, "refused": %d, "broken": %d}\n'
  io.write(line:format(summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
