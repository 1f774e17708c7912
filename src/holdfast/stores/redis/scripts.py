"""The steps that need several of Redis's commands at once, in its own language.

Records are as in `records.py`. A topic's log is a stream. Its first entry, `o`, marks the place
where it began: whoever reads from 0 and finds it there has missed nothing. Its id has the clock's
microseconds in it, so that it is above all that were lost, in the same millisecond even.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest that the server knows it by."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


_LOG = """
local function log(stream, most, operation, key)
  if redis.call('EXISTS', stream) == 0 then
    local now = redis.call('TIME')
    local ms, us = now[1] * 1000 + math.floor(now[2] / 1000), now[2] % 1000
    redis.call('XADD', stream, string.format('%.0f-%d', ms, us * 1000), 'o', '')
  end
  redis.call('XADD', stream, 'MAXLEN', '~', most, '*', operation, key)
end
local function store(record, value, expiry)
  if expiry == '' then redis.call('SET', record, value)
  elseif expiry == 'keep' then redis.call('SET', record, value, 'KEEPTTL')
  else redis.call('SET', record, value, 'PX', expiry) end
end
"""

#: Keys: the record; the log, if any. Arguments: condition (`a` always, `m` missing, `=` and a
#: token), what to do (`s` or `d`), value, expiry, length of the log, key in the log.
WRITE = Script(
    _LOG
    + """
local record, condition, done = KEYS[1], ARGV[1], 1
if condition == 'm' then
  if redis.call('EXISTS', record) == 1 then return 0 end
elseif condition ~= 'a' then
  local token = string.sub(condition, 2)
  local upto = string.byte(token) == 0 and 8 or 20
  if redis.call('GETRANGE', record, 0, upto) ~= token then return 0 end
end
if ARGV[2] == 'd' then done = redis.call('UNLINK', record)
else store(record, ARGV[3], ARGV[4]) end
if KEYS[2] and done == 1 then log(KEYS[2], ARGV[5], ARGV[2], ARGV[6]) end
return done
"""
)

#: Keys: the log, the records. Arguments: expiry, length of the log, then for each record its value
#: and its key in the log.
WRITE_MANY = Script(
    _LOG
    + """
for i = 2, #KEYS do
  store(KEYS[i], ARGV[2 * i - 1], ARGV[1])
  log(KEYS[1], ARGV[2], 's', ARGV[2 * i])
end
"""
)

#: Keys: the log, the records. Arguments: length of the log, then the keys in the log.
DELETE_MANY = Script(
    _LOG
    + """
local done = 0
for i = 2, #KEYS do
  if redis.call('UNLINK', KEYS[i]) == 1 then
    done = done + 1
    log(KEYS[1], ARGV[1], 'd', ARGV[i])
  end
end
return done
"""
)

#: Keys: the log. Arguments: length of the log, the id of its last entry before anything was deleted
#: or nothing. What others wrote since may have been spared, but stands before the word that all is
#: gone: so it is said again, behind it. Where the log doesn't reach back that far, it is emptied,
#: for then everybody has to read the whole anew.
CLEARED = Script(
    _LOG
    + """
local entries = redis.call('XRANGE', KEYS[1], ARGV[2] == '' and '-' or ARGV[2], '+')
local first, again, known = entries[1], {}, {}
if first and (first[1] == ARGV[2] or ARGV[2] == '' and first[2][1] == 'o') then
  for i = 2, #entries do
    local operation, key = entries[i][2][1], entries[i][2][2]
    if operation == 's' and not known[key] then
      known[key] = true
      again[#again + 1] = key
    end
  end
elseif first then
  redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
end
log(KEYS[1], ARGV[1], 'c', '')
for _, key in ipairs(again) do log(KEYS[1], ARGV[1], 's', key) end
"""
)

#: Keys: the record. Arguments: what to add; the first number or nothing; expiry of the first.
#: Returns digits, for Lua's own numbers have 53 bits.
INCREMENT = Script(
    _LOG
    + """
local old = redis.call('GET', KEYS[1])
if not old then
  if ARGV[2] == '' then return 'missing' end
  store(KEYS[1], ARGV[2], ARGV[3])
  return ARGV[2]
end
local new = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(new) == 'table' then
  if string.find(new.err, 'overflow') then return 'overflow' end
  if string.find(new.err, 'integer') then return 'other' end
  return new
end
return redis.call('GET', KEYS[1])
"""
)

#: Keys: the lock, its last fence. Arguments: owner, lease in ms, ms to remember the fence. Returns
#: the fence, or minus the ms that the holder's lease has left. A fence is above all that were
#: remembered, and not below the server's clock: so it grows although the server forgot.
ACQUIRE = Script(
    """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local now = redis.call('TIME')
  local last = tonumber(redis.call('GET', KEYS[2]) or '0')
  local fence = math.max(last + 1, now[1] * 1000000 + now[2])
  redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
  return fence
end
return -math.max(redis.call('PTTL', KEYS[1]), 1)
"""
)

#: Keys: the lock. Arguments: owner, lease in ms.
EXTEND = Script(
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)

#: Keys: the lock, the list that waiters wait on. Arguments: owner, ms that the wake-up lasts.
RELEASE = Script(
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('RPUSH', KEYS[2], '')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""
)
