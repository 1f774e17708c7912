"""The steps of the protocol of tags, as Redis and Valkey do them: each one script, so each whole.

Two keys hold all that concerns tags, in one slot of a cluster:

- a hash with the state: epoch `e`, the run of the server `r`, sequence `s`, floor `f`, and `q` as
  long as nothing may be stored; and for each tag that is marked a field `m` and its digest, with
  32 bytes for each mark: the writer's digest, and the number that the mark was made with;
- a sorted set with the number of each tag's last bump. One without a name shows that the set is
  there: should the server evict one of the two keys, that is noticed, and is a new epoch.

Each script looks first whether the server is still the one that the epoch began on. `run_id` is new
whenever a server starts, and no two servers have the same: so one that came back with older data,
or a replica that was promoted, is noticed by the first step that is done on it, whatever connection
it comes through. That look costs the server 2 µs.
"""

from __future__ import annotations

from .scripts import Script

#: What a script answers if the state is missing, or another run's: `RENEW`, and ask again.
LOST = b"lost"

_FUNCTIONS = """
local S, N = KEYS[1], KEYS[2]
local function run() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end
local function state()
  local found = redis.call('HMGET', S, 'e', 's', 'r', 'f', 'q')
  if found[1] and found[3] == run() then return found end
end
local function number(stamp)
  local high, low = struct.unpack('>I4I4', stamp, 9)
  return high * 4294967296 + low
end
local function stamp(found)
  local s = tonumber(found[2])
  return found[1] .. struct.pack('>I4I4', math.floor(s / 4294967296), s % 4294967296)
end
local function each(digests, slice, work)
  for first = 1, #digests, slice * 16 do
    local part = {}
    for place = first, math.min(first + slice * 16 - 1, #digests), 16 do
      part[#part + 1] = string.sub(digests, place, place + 15)
    end
    work(part)
  end
end
-- Whether no tag was bumped since, nor is marked. nil: lost. What is marked is appended to
-- `marked`: the epoch, the tag's digest, the marks.
local function holds(found, given, digests, marked)
  if string.sub(given, 1, 8) ~= found[1] then return 0 end
  local least, floor, valid = number(given), tonumber(found[4]), 1
  each(digests, 500, function(part)
    local numbers = redis.call('ZMSCORE', N, '', unpack(part))
    if not numbers[1] then valid = nil end
    local fields = {}
    for i, digest in ipairs(part) do
      if (tonumber(numbers[i + 1]) or floor) > least and valid then valid = 0 end
      fields[i] = 'm' .. digest
    end
    for i, marks in ipairs(redis.call('HMGET', S, unpack(fields))) do
      if marks then
        if valid then valid = 0 end
        marked[#marked + 1] = found[1] .. part[i] .. marks
      end
    end
  end)
  return valid
end
local function without(marks, writer)
  local kept = ''
  for place = 1, #marks, 32 do
    if string.sub(marks, place, place + 15) ~= writer then
      kept = kept .. string.sub(marks, place, place + 31)
    end
  end
  return kept
end
local function keep(digest, marks)
  if marks == '' then redis.call('HDEL', S, 'm' .. digest)
  else redis.call('HSET', S, 'm' .. digest, marks) end
end
-- Gives all one new number, and forgets the oldest where there are too many.
local function bump(digests, most)
  local s = redis.call('HINCRBY', S, 's', 1)
  each(digests, 500, function(part)
    local pairs_ = {}
    for i, digest in ipairs(part) do
      pairs_[2 * i - 1], pairs_[2 * i] = s, digest
    end
    redis.call('ZADD', N, unpack(pairs_))
  end)
  local excess = redis.call('ZCARD', N) - 1 - most
  if excess > 0 then
    local gone = redis.call('ZPOPMIN', N, math.min(excess, #digests / 16 + 16))
    redis.call('HSET', S, 'f', gone[#gone])
  end
end
"""

#: Arguments: a new epoch. Starts it, if it is needed.
RENEW = Script(
    _FUNCTIONS
    + """
if state() and redis.call('ZSCORE', N, '') then return 0 end
redis.call('DEL', S, N)
redis.call('HSET', S, 'e', ARGV[1], 'r', run(), 's', 1, 'f', 0, 'q', 1)
redis.call('ZADD', N, '+inf', '')
return 1
"""
)

#: Returns epoch and sequence, and whether nothing may be stored.
STAMP = Script(
    _FUNCTIONS
    + """
local found = state()
if not found then return 'lost' end
return {stamp(found), found[5] and 1 or 0}
"""
)

#: Arguments: an epoch. From now on something may be stored in it.
BEGIN = Script(
    _FUNCTIONS + "if redis.call('HGET', S, 'e') == ARGV[1] then redis.call('HDEL', S, 'q') end"
)

#: Keys: the two, then results. Returns for each nil, or what is stored, the ms that it has left,
#: and whether it is valid; before them all, a list of the marks that were met.
GET = Script(
    _FUNCTIONS
    + """
local found, answer, marked = nil, {}, {}
for i = 3, #KEYS do
  local stored = redis.call('GET', KEYS[i])
  if stored then
    found = found or state()
    if not found then return 'lost' end
    local count = string.byte(stored, 17) * 256 + string.byte(stored, 18)
    local digests = string.sub(stored, 23, 22 + 16 * count)
    local valid = holds(found, string.sub(stored, 1, 16), digests, marked)
    if not valid then return 'lost' end
    answer[i - 2] = {stored, redis.call('PTTL', KEYS[i]), valid}
  else
    answer[i - 2] = false
  end
end
return {marked, unpack(answer)}
"""
)

#: Arguments: a stamp and digests, again and again. Returns for each whether it holds; before them
#: all, a list of the marks that were met.
CHECK = Script(
    _FUNCTIONS
    + """
local found, answer, marked = state(), {}, {}
if not found then return 'lost' end
for i = 1, #ARGV, 2 do
  local valid = holds(found, ARGV[i], ARGV[i + 1], marked)
  if not valid then return 'lost' end
  answer[#answer + 1] = valid
end
return {marked, unpack(answer)}
"""
)

#: Keys: the two, and the result. Arguments: stamp, digests, what to store, its ms or nothing.
#: Returns whether it was stored; before that, a list of the marks that were met.
PUT = Script(
    _FUNCTIONS
    + """
local found, marked = state(), {}
if not found then return 'lost' end
local valid = holds(found, ARGV[1], ARGV[2], marked)
if not valid then return 'lost' end
if valid == 1 then
  if ARGV[4] == '' then redis.call('SET', KEYS[3], ARGV[3])
  else redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4]) end
end
return {marked, valid}
"""
)

#: Arguments: digests. Returns epoch and sequence, whether nothing may be stored, the floor, how
#: many tags are remembered and how many are marked, and of each digest the number and the marks.
LOOK = Script(
    _FUNCTIONS
    + """
local found, numbers, marks = state(), {}, {}
if not found then return 'lost' end
each(ARGV[1], 500, function(part)
  for _, digest in ipairs(part) do
    numbers[#numbers + 1] = redis.call('ZSCORE', N, digest) or ''
    marks[#marks + 1] = redis.call('HGET', S, 'm' .. digest) or ''
  end
end)
local quiet = found[5] and 1 or 0
local remembered, marked = redis.call('ZCARD', N) - 1, redis.call('HLEN', S) - 4 - quiet
return {stamp(found), quiet, found[4], remembered, marked, numbers, marks}
"""
)

#: Arguments: digests, the writer's digest.
MARK = Script(
    _FUNCTIONS
    + """
if not state() then return 'lost' end
local mark = ARGV[2] .. string.format('%016.0f', redis.call('HINCRBY', S, 's', 1))
each(ARGV[1], 500, function(part)
  for _, digest in ipairs(part) do
    keep(digest, without(redis.call('HGET', S, 'm' .. digest) or '', ARGV[2]) .. mark)
  end
end)
return 1
"""
)

#: Arguments: digests, the writer's digest or nothing, how many tags to remember.
BUMP = Script(
    _FUNCTIONS
    + """
if not state() then return 'lost' end
bump(ARGV[1], tonumber(ARGV[3]))
if ARGV[2] ~= '' then
  each(ARGV[1], 500, function(part)
    for _, digest in ipairs(part) do
      local marks = redis.call('HGET', S, 'm' .. digest)
      if marks then keep(digest, without(marks, ARGV[2])) end
    end
  end)
end
return 1
"""
)

#: Arguments: digests, the writer's digest.
UNMARK = Script(
    _FUNCTIONS
    + """
if not state() then return 'lost' end
each(ARGV[1], 500, function(part)
  for _, digest in ipairs(part) do
    local marks = redis.call('HGET', S, 'm' .. digest)
    if marks then keep(digest, without(marks, ARGV[2])) end
  end
end)
return 1
"""
)

#: Arguments: the epoch, how many tags to remember, then digest and mark, again and again. Marks
#: that are there still become a bump.
SETTLE = Script(
    _FUNCTIONS
    + """
local found = state()
if not found or found[1] ~= ARGV[1] then return 0 end
local digests = ''
for i = 3, #ARGV do
  local digest, mark = string.sub(ARGV[i], 1, 16), string.sub(ARGV[i], 17)
  local marks, kept, there = redis.call('HGET', S, 'm' .. digest) or '', '', false
  for place = 1, #marks, 32 do
    local one = string.sub(marks, place, place + 31)
    if one == mark then there = true else kept = kept .. one end
  end
  if there then
    keep(digest, kept)
    digests = digests .. digest
  end
end
if digests ~= '' then bump(digests, tonumber(ARGV[2])) end
return 1
"""
)
