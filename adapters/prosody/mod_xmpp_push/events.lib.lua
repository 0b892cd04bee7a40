-- The events the service has not acknowledged. Each entry is in one of three places:
--   outstanding  sent under a number, waiting for its <ack/>
--   journal      `removed` and `created` that could not be sent yet: never dropped
--   waiting      missed messages that could not be sent yet, one entry per (user, resource, kind)

local st = require "util.stanza";
local now = require "util.time".now;
local fifo = module:require "fifo";
local ranges = module:require "ranges";

local pairs, ipairs, next, type = pairs, ipairs, next, type;
local floor = math.floor;

local is_journalled = { removed = true; created = true };

local Events = {};
Events.__index = Events;

local function fresh()
	return {
		last_number = 0;       -- given to an event
		outstanding = {};      -- number -> entry
		outstanding_count = 0;
		journal = fifo.new();
		waiting = fifo.new();
		by_key = {};           -- kind/user/resource -> entry in waiting
		by_user = {};          -- user -> set of all entries
		bytes = 0;             -- of the messages kept, roughly as on the wire
		dropped = 0;           -- wake-ups thrown away since the last hello
	};
end

-- `kept` is made by fresh() and survives a reload; `limits` has the fields `entries` and `bytes`.
local function new(kept, limits)
	return setmetatable({ kept = kept, limits = limits }, Events);
end

local function weight(element)
	local bytes = 2 * #element.name + 5;
	for name, value in pairs(element.attr) do bytes = bytes + #name + #value + 4; end
	for _, child in ipairs(element) do
		bytes = bytes + (type(child) == "string" and #child or weight(child));
	end
	return bytes;
end

-- A slash cannot be in a kind or a localpart (RFC 7622, 3.3.1).
local function key_of(entry)
	return entry.kind.."/"..entry.user.."/"..(entry.resource or "");
end

local function release(kept, entry)
	kept.bytes = kept.bytes - (entry.weight or 0);
	entry.message, entry.weight = nil, nil;
end

-- Over the bytes the entry stays without its message: a wake-up matters more than what it says.
local function hold(kept, limits, entry, message)
	release(kept, entry);
	local bytes = message and weight(message) or 0;
	if not message or kept.bytes + bytes > limits.bytes then return; end
	entry.message, entry.weight = message, bytes;
	kept.bytes = kept.bytes + bytes;
end

local function enter(kept, entry)
	entry.first = floor(now() * 1000);
	local entries = kept.by_user[entry.user];
	if not entries then
		entries = {};
		kept.by_user[entry.user] = entries;
	end
	entries[entry] = true;
	return entry;
end

local function forget(kept, entry)
	release(kept, entry);
	local entries = kept.by_user[entry.user];
	entries[entry] = nil;
	if next(entries) == nil then kept.by_user[entry.user] = nil; end
end

local function leave_waiting(kept, entry)
	fifo.remove(kept.waiting, entry);
	kept.by_key[key_of(entry)] = nil;
end

local function leave_outstanding(kept, entry)
	kept.outstanding[entry.n] = nil;
	kept.outstanding_count = kept.outstanding_count - 1;
	forget(kept, entry);
end

local function number(kept, entry)
	local n = kept.last_number + 1;
	kept.last_number = n;
	kept.outstanding_count = kept.outstanding_count + 1;
	kept.outstanding[n], entry.n = entry, n;
	return entry;
end

-- What has no number yet is sent last.
local function is_sent_before(a, b)
	return a.n ~= nil and (b.n == nil or a.n < b.n);
end

local function make_room(kept, limits)
	if kept.waiting.count + kept.outstanding_count <= limits.entries then return; end
	local oldest = fifo.pop(kept.waiting);
	kept.by_key[key_of(oldest)] = nil;
	forget(kept, oldest);
	kept.dropped = kept.dropped + oldest.count;
end

-- A missed message that is sent now. The caller sends all of it, whatever could be kept.
function Events:issue(kind, user, resource, message, has_content)
	local entry = enter(self.kept, { kind = kind, user = user, resource = resource, count = 1, has_content = has_content });
	hold(self.kept, self.limits, entry, message);
	return number(self.kept, entry);
end

-- A missed message that cannot be sent now. A message with a content is never replaced by one without.
function Events:collapse(kind, user, resource, message, has_content)
	local kept = self.kept;
	local fields = { kind = kind, user = user, resource = resource, count = 0 };
	local entry = kept.by_key[key_of(fields)];
	if not entry then
		entry = enter(kept, fields);
		kept.by_key[key_of(entry)] = entry;
		fifo.push(kept.waiting, entry);
	end
	entry.count = entry.count + 1;
	if has_content or not entry.has_content then
		entry.has_content = has_content;
		hold(kept, self.limits, entry, message);
	end
	make_room(kept, self.limits);
	return entry;
end

local function drop_waiting(kept, user, is_meant)
	for entry in pairs(kept.by_user[user] or {}) do
		if not entry.n and not is_journalled[entry.kind] and is_meant(entry) then
			leave_waiting(kept, entry);
			forget(kept, entry);
		end
	end
end

local function withdraw_outstanding(kept, user, is_meant)
	local numbers = {};
	for entry in pairs(kept.by_user[user] or {}) do
		if entry.n and not entry.withdrawn and not is_journalled[entry.kind] and is_meant(entry) then
			entry.withdrawn = true;
			release(kept, entry);
			numbers[#numbers + 1] = entry.n;
		end
	end
	table.sort(numbers);
	return numbers;
end

-- Drops the events of a user for which `is_meant`. Returns the numbers of those the service may be working on:
-- these stay until it acknowledges them, and are not sent again.
function Events:withdraw(user, is_meant)
	if not self.kept.by_user[user] then return {}; end
	drop_waiting(self.kept, user, is_meant);
	return withdraw_outstanding(self.kept, user, is_meant);
end

local function any() return true; end

-- The user has no registration. What was sent already the service will acknowledge.
function Events:drop_waiting(user)
	drop_waiting(self.kept, user, any);
end

-- `removed` or `created`: of several not yet sent only the last of a user says anything.
function Events:record(kind, user)
	local kept = self.kept;
	for entry in pairs(kept.by_user[user] or {}) do
		if is_journalled[entry.kind] and not entry.n then
			fifo.remove(kept.journal, entry);
			forget(kept, entry);
		end
	end
	fifo.push(kept.journal, enter(kept, { kind = kind, user = user, count = 1 }));
end

-- The last `removed` or `created` of a user that is not acknowledged, if any.
function Events:last_record(user)
	local last;
	for entry in pairs(self.kept.by_user[user] or {}) do
		if is_journalled[entry.kind] and not (last and is_sent_before(entry, last)) then last = entry; end
	end
	return last;
end

-- `removed` and `created` of a user up to this number are done, though not acknowledged: told again, they would void what was
-- asked for since.
function Events:settle(user, last_number)
	for entry in pairs(self.kept.by_user[user] or {}) do
		if is_journalled[entry.kind] and entry.n and entry.n <= last_number then entry.withdrawn = true; end
	end
end

function Events:last_number()
	return self.kept.last_number;
end

-- The next one to be sent, now with a number. The journal goes first: what waits of its users is younger.
function Events:take()
	local kept = self.kept;
	local entry = fifo.pop(kept.journal);
	if not entry then
		entry = fifo.peek(kept.waiting);
		if not entry then return nil; end
		leave_waiting(kept, entry);
	end
	return number(kept, entry);
end

local function acknowledge_range(kept, first, last)
	if last - first > kept.outstanding_count then      -- a wide range costs no more than what is there
		for n, entry in pairs(kept.outstanding) do
			if n >= first and n <= last then leave_outstanding(kept, entry); end
		end
		return;
	end
	for n = first, last do
		local entry = kept.outstanding[n];
		if entry then leave_outstanding(kept, entry); end
	end
end

function Events:acknowledge(text)
	ranges.parse(text, function (first, last) acknowledge_range(self.kept, first, last); end);
end

-- After a new hello. Returns the numbers to be sent again and those withdrawn meanwhile, both sorted;
-- the latter are forgotten.
function Events:begin_again()
	local again, withdrawn = {}, {};
	for n, entry in pairs(self.kept.outstanding) do
		local numbers = entry.withdrawn and withdrawn or again;
		numbers[#numbers + 1] = n;
	end
	for _, n in ipairs(withdrawn) do leave_outstanding(self.kept, self.kept.outstanding[n]); end
	table.sort(again);
	table.sort(withdrawn);
	return again, withdrawn;
end

-- The entry under a number, if it is still to be sent again.
function Events:outstanding(n)
	local entry = self.kept.outstanding[n];
	return entry and not entry.withdrawn and entry or nil;
end

function Events:count_outstanding()
	return self.kept.outstanding_count;
end

function Events:has_unsent()
	return self.kept.waiting.count + self.kept.journal.count > 0;
end

function Events:take_dropped()
	local dropped = self.kept.dropped;
	self.kept.dropped = 0;
	return dropped;
end

local function freeze_entry(entry)
	return {
		kind = entry.kind; user = entry.user; resource = entry.resource; count = entry.count; first = entry.first;
		has_content = entry.has_content; message = entry.message and st.preserialize(entry.message);
		was_sent = entry.n ~= nil or nil;
	};
end

-- Adds everything to `frozen`, as plain data in the order in which it was missed.
function Events:freeze(frozen)
	local entries = frozen.entries;
	for _, n in ipairs((self:begin_again())) do entries[#entries + 1] = freeze_entry(self.kept.outstanding[n]); end
	for _, entry in ipairs(fifo.list(self.kept.journal)) do entries[#entries + 1] = freeze_entry(entry); end
	for _, entry in ipairs(fifo.list(self.kept.waiting)) do entries[#entries + 1] = freeze_entry(entry); end
	frozen.dropped = frozen.dropped + self.kept.dropped;
end

local function thaw_outstanding(kept, limits, item, message)
	local entry = enter(kept, {
		kind = item.kind; user = item.user; resource = item.resource; count = item.count; has_content = item.has_content;
	});
	entry.first = item.first;
	hold(kept, limits, entry, message);
	number(kept, entry);
end

local function thaw_waiting(self, item, message)
	local entry = self:collapse(item.kind, item.user, item.resource, message, item.has_content);
	entry.count = entry.count + item.count - 1;
	if item.first < entry.first then entry.first = item.first; end
end

-- Takes back one of the entries that freeze() gave, under a new number. What had been sent stays apart, so that the
-- service knows it again.
function Events:thaw(item)
	local message = item.message and st.deserialize(item.message);
	if item.was_sent and self.kept.outstanding_count < self.limits.entries then
		thaw_outstanding(self.kept, self.limits, item, message);
	elseif is_journalled[item.kind] then
		self:drop_waiting(item.user);
		self:record(item.kind, item.user);
	else
		thaw_waiting(self, item, message);
	end
end

function Events:add_dropped(count)
	self.kept.dropped = self.kept.dropped + count;
end

return { fresh = fresh; new = new };
