-- The events the service has not acknowledged. Each entry is in one of four places:
--   outstanding  sent under a number, waiting for its <ack/>
--   journal      `removed` and `created` that could not be sent yet, the last of each user
--   waiting      missed messages that could not be sent yet, one entry per (user, resource, kind)
--   held         what is like one of the two before it, of users who have their share of the outstanding ones

local now = require "util.time".now;
local fifo = module:require "fifo";
local keys = module:require "keys";
local messages = module:require "messages";
local owners = module:require "owners";
local ranges = module:require "ranges";

local pairs, ipairs = pairs, ipairs;
local floor = math.floor;

local is_journalled, enter, leave, entries_of = owners.is_journalled, owners.enter, owners.leave, owners.entries_of;

local Events = {};
Events.__index = Events;

local function fresh()
	return {
		last_number = 0;       -- given to an event
		outstanding = {};      -- number -> entry
		outstanding_count = 0;
		again = 0;             -- of these, events that had been deferred
		is_again_changed = false;      -- which ones they are, since this was last asked
		journal = fifo.new();
		waiting = fifo.new();
		held = fifo.new();
		by_key = {};           -- kind/user/resource -> entry in waiting, or held
		by_user = owners.fresh();
		messages = messages.fresh();
		dropped = 0;           -- wake-ups thrown away since the last hello
	};
end

-- `kept` is made by fresh() and survives a reload; `limits` has the fields `entries`, `entries_per_user` and `bytes`.
local function new(kept, limits)
	return setmetatable({ kept = kept, limits = limits }, Events);
end

-- A slash cannot be in a kind or a localpart (RFC 7622, 3.3.1).
local function key_of(entry)
	return entry.kind.."/"..entry.user.."/"..(entry.about or entry.resource or "");
end

local function milliseconds()
	return floor(now() * 1000);
end

local function forget(kept, entry)
	messages.release(kept.messages, entry);
	leave(kept, entry);
end

-- Puts an entry without a number at the end of the journal, of what waits, or of what is held.
local function put(kept, entry, place)
	entry.place = place;
	fifo.push(kept[place], entry);
end

-- Takes an entry without a number from where it is.
local function take_out(kept, entry)
	fifo.remove(kept[entry.place], entry);
	entry.place = nil;
end

local function own_place(entry)
	return is_journalled[entry.kind] and "journal" or "waiting";
end

local function hold_back(kept, entry)
	take_out(kept, entry);
	put(kept, entry, "held");
	kept.by_user[entry.user].is_held = true;
end

-- An event of the user is done: there is room for another one.
local function let_go(kept, user)
	local known = kept.by_user[user];
	if not known or not known.is_held then return; end
	known.is_held = nil;
	for entry in pairs(known.all) do
		if entry.place == "held" then
			take_out(kept, entry);
			put(kept, entry, own_place(entry));
		end
	end
end

local function drop_unsent(kept, entry)
	take_out(kept, entry);
	if not is_journalled[entry.kind] then kept.by_key[key_of(entry)] = nil; end
	forget(kept, entry);
end

-- The entry keeps its message, for somebody else.
local function leave_outstanding(kept, entry)
	kept.outstanding[entry.n] = nil;
	kept.outstanding_count = kept.outstanding_count - 1;
	if entry.recipients then kept.again, kept.is_again_changed = kept.again - 1, true; end
	leave(kept, entry);
	let_go(kept, entry.user);
end

local function finish(kept, entry)
	messages.release(kept.messages, entry);
	leave_outstanding(kept, entry);
end

local function number(kept, entry)
	local n = kept.last_number + 1;
	kept.last_number = n;
	kept.outstanding_count = kept.outstanding_count + 1;
	if entry.recipients then kept.again, kept.is_again_changed = kept.again + 1, true; end
	kept.outstanding[n], entry.n = entry, n;
	local user = kept.by_user[entry.user];
	user.sent = user.sent + 1;
	if not is_journalled[entry.kind] then user.unsent = user.unsent - 1; end
	return entry;
end

-- Those without a number are sent last.
local function is_sent_before(a, b)
	return a.n ~= nil and (b.n == nil or a.n < b.n);
end

local function drop(kept, entry)
	drop_unsent(kept, entry);
	kept.dropped = kept.dropped + entry.count;
end

local function oldest_unsent(kept, user)
	local oldest;
	for entry in pairs(entries_of(kept, user)) do
		if entry.place and not is_journalled[entry.kind] and not (oldest and oldest.first <= entry.first) then oldest = entry; end
	end
	return oldest;
end

-- Over their share a user loses the own oldest. Over all there may be, those lose it first who have more than was sent, and the
-- journal last: an account that is gone would be told of.
local function make_room(kept, limits, user)
	if kept.by_user[user].unsent > limits.entries_per_user then drop(kept, oldest_unsent(kept, user)); end
	local sent = kept.outstanding_count - kept.again;      -- what was deferred pushes out nothing
	if kept.held.count + kept.waiting.count + kept.journal.count + sent <= limits.entries then return; end
	local oldest = fifo.peek(kept.held) or fifo.peek(kept.waiting) or fifo.peek(kept.journal);
	if oldest then drop(kept, oldest); end
end

-- A missed message that is sent now. The caller sends all of it, whatever could be kept.
function Events:issue(kind, user, resource, message, has_content, key)
	local entry = enter(self.kept, {
		kind = kind; user = user; resource = resource; count = 1; has_content = has_content; first = milliseconds();
		keys = { key };
	});
	messages.hold(self.kept.messages, self.limits.bytes, entry, message);
	return number(self.kept, entry);
end

-- Adds to what waits under the same key. A message with a content is never replaced by one without.
local function wait(self, fields, message, has_content, newer)
	local kept = self.kept;
	fields.count, fields.first, fields.keys = 0, milliseconds(), {};
	local entry = kept.by_key[key_of(fields)];
	if not entry then
		entry = enter(kept, fields);
		kept.by_key[key_of(entry)] = entry;
		put(kept, entry, "waiting");
	end
	entry.count, entry.last = entry.count + 1, fields.first;
	entry.keys = keys.add(entry.keys, newer);
	if message and (has_content or not entry.has_content) then
		entry.has_content = has_content;
		messages.hold(kept.messages, self.limits.bytes, entry, message);
	end
	make_room(kept, self.limits, entry.user);
	return entry;
end

-- A missed message that cannot be sent now.
function Events:collapse(kind, user, resource, message, has_content, newer)
	return wait(self, { kind = kind, user = user, resource = resource }, message, has_content, newer);
end

-- A push service has revoked a registration, which `about` names.
function Events:revoke(user, about, message)
	return wait(self, { kind = "revoked", user = user, about = about }, message, nil, {});
end

local function drop_waiting(kept, user, is_meant)
	for entry in pairs(entries_of(kept, user)) do
		if entry.place and not is_journalled[entry.kind] and is_meant(entry) then drop_unsent(kept, entry); end
	end
end

local function withdraw_outstanding(kept, user, is_meant)
	local numbers = {};
	for entry in pairs(entries_of(kept, user)) do
		if entry.n and not entry.withdrawn and not is_journalled[entry.kind] and is_meant(entry) then
			entry.withdrawn = true;
			kept.is_again_changed = kept.is_again_changed or entry.recipients ~= nil;
			messages.release(kept.messages, entry);
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

-- `removed` or `created`: of several of a user only the last says anything. One that was sent need not be told again.
function Events:record(kind, user)
	local kept = self.kept;
	for entry in pairs(entries_of(kept, user)) do
		if is_journalled[entry.kind] then
			if entry.n then entry.withdrawn = true; else drop_unsent(kept, entry); end
		end
	end
	put(kept, enter(kept, { kind = kind, user = user, count = 1, first = milliseconds() }), "journal");
	make_room(kept, self.limits, user);
end

-- The last `removed` or `created` of a user that is not done, if any.
function Events:last_record(user)
	local last;
	for entry in pairs(entries_of(self.kept, user)) do
		local is_meant = is_journalled[entry.kind] and not entry.withdrawn;
		if is_meant and not (last and is_sent_before(entry, last)) then last = entry; end
	end
	return last;
end

-- `removed` and `created` of a user up to this number are done, though not acknowledged: told again, they would void what was
-- asked for since.
function Events:settle(user, last_number)
	for entry in pairs(entries_of(self.kept, user)) do
		if is_journalled[entry.kind] and entry.n and entry.n <= last_number then entry.withdrawn = true; end
	end
end

function Events:last_number()
	return self.kept.last_number;
end

function Events:has_share(user)
	return owners.has_share(self.kept, self.limits, user);
end

-- The oldest of a place whose user may have one more outstanding; those before it are held.
local function next_of(kept, limits, place)
	local entry = fifo.peek(kept[place]);
	while entry and not owners.has_share(kept, limits, entry.user, place == "journal") do
		hold_back(kept, entry);
		entry = fifo.peek(kept[place]);
	end
	return entry;
end

-- The next one to be sent, now with a number. The journal goes first: what waits of its users is younger.
function Events:take()
	local kept, limits = self.kept, self.limits;
	local entry = next_of(kept, limits, "journal") or next_of(kept, limits, "waiting");
	if not entry then return nil; end
	take_out(kept, entry);
	if not is_journalled[entry.kind] then kept.by_key[key_of(entry)] = nil; end
	return number(kept, entry);
end

function Events:acknowledge(text)
	local kept = self.kept;
	ranges.pick(text, kept.outstanding, kept.outstanding_count, function (entry) finish(kept, entry); end);
end

-- The entry under a number, if it may be deferred: news of accounts wait for no delivery. Withdrawn entries are among them.
function Events:find_deferrable(n)
	local entry = self.kept.outstanding[n];
	return entry and not is_journalled[entry.kind] and entry or nil;
end

-- The entry has been deferred, or has ended: it is outstanding no more.
function Events:finish(entry)
	finish(self.kept, entry);
end

-- Calls `each(entry)` for what is outstanding of a user.
function Events:each_outstanding(user, each)
	for entry in pairs(entries_of(self.kept, user)) do
		if entry.n then each(entry); end
	end
end

-- Makes an entry that was deferred outstanding, under a new number.
function Events:tell_again(entry)
	return number(self.kept, enter(self.kept, entry));
end

-- Calls `each(entry, was)` for what had been deferred and is outstanding again, in the order of the numbers.
function Events:each_again(each)
	local outstanding, numbers = self.kept.outstanding, {};
	for n, entry in pairs(outstanding) do
		if entry.recipients and not entry.withdrawn then numbers[#numbers + 1] = n; end
	end
	table.sort(numbers);
	for _, n in ipairs(numbers) do each(outstanding[n], outstanding[n].was); end
end

-- Whether that has changed since this was last asked.
function Events:take_again_changed()
	local is_changed = self.kept.is_again_changed;
	self.kept.is_again_changed = false;
	return is_changed;
end

-- After a new hello. Returns the numbers to be sent again and those withdrawn meanwhile, both sorted;
-- the latter are forgotten.
function Events:begin_again()
	local again, withdrawn = {}, {};
	for n, entry in pairs(self.kept.outstanding) do
		local numbers = entry.withdrawn and withdrawn or again;
		numbers[#numbers + 1] = n;
	end
	for _, n in ipairs(withdrawn) do finish(self.kept, self.kept.outstanding[n]); end
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

-- All entries without a number; those of the journal come first.
function Events:unsent()
	local entries = {};
	for _, place in ipairs { "journal", "waiting", "held" } do
		for _, entry in ipairs(fifo.list(self.kept[place])) do entries[#entries + 1] = entry; end
	end
	return entries;
end

-- Takes back an entry that had a number in an earlier epoch, under a new one. Returns false when there are too many.
function Events:restore(entry, message)
	local kept, limits = self.kept, self.limits;
	if kept.outstanding_count >= limits.entries then return false; end
	messages.hold(kept.messages, limits.bytes, entry, message);
	self:tell_again(entry);
	return true;
end

-- Those of what is deferred are counted with the others.
function Events:messages()
	return self.kept.messages;
end

function Events:count_dropped()
	return self.kept.dropped;
end

function Events:add_dropped(count)
	self.kept.dropped = self.kept.dropped + count;
end

return { fresh = fresh; new = new; is_journalled = is_journalled };
