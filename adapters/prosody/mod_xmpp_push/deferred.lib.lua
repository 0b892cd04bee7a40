-- The events that wait for a push service (docs/protocol.md, 3.4), apart from all others. Each entry is in one of two places:
--   asleep   until the service resumes it
--   due      to be told again, as soon as the window has room

local fifo = module:require "fifo";
local keys = module:require "keys";
local messages = module:require "messages";
local ranges = module:require "ranges";

local pairs, ipairs, min, max = pairs, ipairs, math.min, math.max;

local max_recipients = 50;

-- Bytes of a recipient's id.
local max_id = 64;

-- Resources that are remembered to have come back while an event was outstanding.
local max_back = 50;

local Deferred = {};
Deferred.__index = Deferred;

-- `epoch` is that of the link.
local function fresh(epoch)
	return {
		epoch = epoch;
		instance = nil;        -- the run of the service that knows their numbers
		asleep = fifo.new();
		due = fifo.new();
		by_number = {};        -- the number it was told under in this epoch -> entry
		by_user = {};          -- user -> { all, count }: the set of their entries
		former = 0;            -- how many have come from earlier epochs
		gone = fifo.new();     -- { n }: numbers that ended here, of which the service has to be told
		told = fifo.new();     -- those of which it was told since its hello, and that it has not acknowledged
		is_changed = false;    -- since this was last asked
	};
end

-- `kept` is made by fresh() and survives a reload; `events` has all others. `limits` has the fields `deferred` and
-- `deferred_per_user`.
local function new(kept, events, limits)
	return setmetatable({ kept = kept, events = events, messages = events:messages(), limits = limits }, Deferred);
end

-- Puts an entry into a place, by its age: the lower, the older.
local function enter(self, entry, place)
	local kept = self.kept;
	entry.place, kept.is_changed = place, true;
	fifo.put(kept[place], entry, entry.age);
	if entry.n then kept.by_number[entry.n] = entry; end
	local user = kept.by_user[entry.user] or { all = {}, count = 0 };
	kept.by_user[entry.user] = user;
	user.all[entry], user.count = true, user.count + 1;
	messages.make_spare(self.messages, entry);
end

-- Takes an entry out, with its message.
local function leave(self, entry)
	local kept, user = self.kept, self.kept.by_user[entry.user];
	kept.is_changed = true;
	fifo.remove(kept[entry.place], entry);
	entry.place = nil;
	if entry.n then kept.by_number[entry.n] = nil; end
	user.all[entry], user.count = nil, user.count - 1;
	if user.count == 0 then kept.by_user[entry.user] = nil; end
	messages.make_firm(self.messages, entry);
end

local function finish(self, entry)
	leave(self, entry);
	messages.release(self.messages, entry);
end

local function note(list, n)
	if not list.items[n] then fifo.put(list, { n = n }, n); end
end

-- Ends an entry without the service, which has to be told if it knows the number.
local function end_here(self, entry)
	finish(self, entry);
	if entry.n then note(self.kept.gone, entry.n); end
end

local function drop(self, entry)
	end_here(self, entry);
	self.events:add_dropped(entry.count);
end

local function is_older(a, b)
	return a.age < b.age;
end

local function oldest_of(user)
	local oldest;
	for entry in pairs(user.all) do
		if not oldest or is_older(entry, oldest) then oldest = entry; end
	end
	return oldest;
end

local function oldest(kept)
	local asleep, due = fifo.peek(kept.asleep), fifo.peek(kept.due);
	if not asleep or not due then return asleep or due; end
	return is_older(asleep, due) and asleep or due;
end

local function make_room(self, name)
	local kept, limits = self.kept, self.limits;
	local user = kept.by_user[name];
	if user.count > limits.deferred_per_user then drop(self, oldest_of(user)); end
	if kept.asleep.count + kept.due.count > limits.deferred then drop(self, oldest(kept)); end
end

-- The name that an entry has in later epochs, too.
local function was(kept, entry)
	return entry.n and ("%s:%d"):format(kept.epoch, entry.n) or entry.was;
end

local function wake(self, entry)
	local kept = self.kept;
	fifo.remove(kept.asleep, entry);
	entry.place = "due";
	fifo.put(kept.due, entry, entry.age);
end

-- The recipients that a <defer/> names.
local function recipients_in(element)
	local recipients = {};
	for child in element:childtags("for") do
		local id = child.attr.id;
		if id and #id <= max_id and #recipients < max_recipients then
			recipients[#recipients + 1] = { id = id, r = child.attr.r };
		end
	end
	return recipients;
end

-- The newer message with a content, or the newer one. An event that was told before may be the older.
local function is_worth_more(entry, than)
	if not entry.message or not than.message then return entry.message ~= nil; end
	if entry.has_content ~= than.has_content then return entry.has_content == true; end
	return (entry.last or entry.first) >= (than.last or than.first);
end

-- Gives the message of an outstanding entry to one that is deferred.
local function hand_over(self, entry, to)
	messages.release(self.messages, to);
	to.has_content = entry.has_content;
	messages.pass_on(entry, to);
	messages.make_spare(self.messages, to);
end

-- Whether there is an event under this number that another one of the user can join.
local function is_asleep(kept, n, user)
	local entry = kept.by_number[n];
	return entry ~= nil and entry.place == "asleep" and entry.user == user;
end

-- Adds what an outstanding entry stands for to one that is deferred, which stays as old as it was.
local function join(self, entry, into, recipients)
	local first, last = min(entry.first, into.first), max(entry.last or entry.first, into.last or into.first);
	local is_heavier = is_worth_more(entry, into);
	into.first, into.last, into.count, into.recipients = first, last, into.count + entry.count, recipients;
	into.keys = keys.add(into.keys, entry.keys);
	self.kept.is_changed = true;
	if is_heavier then hand_over(self, entry, into); end
end

-- Makes a deferred entry of an outstanding one.
local function add(self, entry, recipients, place)
	local deferred = {
		kind = entry.kind; user = entry.user; resource = entry.resource; count = entry.count; first = entry.first; last = entry.last;
		n = entry.n; age = self.kept.former + entry.n; recipients = recipients; keys = entry.keys;
	};
	enter(self, deferred, place);
	hand_over(self, entry, deferred);
	make_room(self, entry.user);
end

-- Those of `recipients` whose device has not come back: a resource has, and so may have one that is not known.
local function without(recipients, resource)
	local left = {};
	for _, recipient in ipairs(recipients) do
		if recipient.r and recipient.r ~= resource then left[#left + 1] = recipient; end
	end
	return left;
end

-- Those of a <defer/> who have not come back since the event was told.
local function recipients_of(entry, element)
	local recipients = recipients_in(element);
	for _, resource in ipairs(entry.back or {}) do recipients = without(recipients, resource); end
	return recipients;
end

-- Puts an outstanding event where it belongs: it ends, joins another one, or is deferred itself. It is deferred already if a fault
-- kept it from being finished then.
local function settle(self, entry, into, recipients)
	local kept = self.kept;
	if kept.by_number[entry.n] then return; end
	if entry.withdrawn then
		note(kept.told, entry.n);
	elseif #recipients == 0 then
		note(kept.gone, entry.n);
	elseif into and is_asleep(kept, into, entry.user) then
		join(self, entry, kept.by_number[into], recipients);
	else
		add(self, entry, recipients, into and "due" or "asleep");
	end
end

-- Defers an outstanding event; with `into`, a number too, it joins another one. The event is outstanding until that is done: a fault
-- loses nothing.
function Deferred:defer(n, into, element)
	local entry = self.events:find_deferrable(n);
	if not entry then return; end
	settle(self, entry, into, recipients_of(entry, element));
	self.events:finish(entry);
end

function Deferred:resume(text)
	local kept = self.kept;
	ranges.pick(text, kept.by_number, kept.asleep.count + kept.due.count, function (entry)
		if entry.place == "asleep" then wake(self, entry); end
	end);
end

function Deferred:acknowledge(text)
	local kept = self.kept;
	ranges.pick(text, kept.by_number, kept.asleep.count + kept.due.count, function (entry) finish(self, entry); end);
	ranges.pick(text, kept.told.items, kept.told.count, function (number) fifo.remove(kept.told, number); end);
end

-- At a hello. Another run of the service knows nothing of what was deferred for the one before: what it says of a number is
-- about something else.
function Deferred:greet(instance)
	local kept = self.kept;
	if instance == kept.instance then return; end
	kept.instance, kept.gone, kept.told = instance, fifo.new(), fifo.new();
	for _, entry in ipairs(fifo.list(kept.asleep)) do wake(self, entry); end
	for n, entry in pairs(kept.by_number) do
		entry.was, entry.n, kept.by_number[n] = was(kept, entry), nil, nil;
	end
end

local function all_of(self, user)
	local known = self.kept.by_user[user];
	return known and known.all or {};
end

function Deferred:end_all(user)
	for entry in pairs(all_of(self, user)) do end_here(self, entry); end
end

local function note_back(entry, resource)
	entry.back = entry.back or {};
	for _, known in ipairs(entry.back) do
		if known == resource then return; end
	end
	if #entry.back < max_back then entry.back[#entry.back + 1] = resource; end
end

-- The session of this resource has seen what was missed. What is outstanding may yet be deferred.
function Deferred:user_is_back(user, resource)
	for entry in pairs(all_of(self, user)) do
		local left = without(entry.recipients, resource);
		if #left < #entry.recipients then self.kept.is_changed = true; end
		entry.recipients = left;
		if #left == 0 then end_here(self, entry); end
	end
	self.events:each_outstanding(user, function (entry) note_back(entry, resource); end);
end

function Deferred:has_due()
	return self.kept.due.count > 0;
end

-- The next one to be told again, now with a new number.
function Deferred:take()
	local entry = fifo.peek(self.kept.due);
	if not entry then return nil; end
	leave(self, entry);
	entry.was, entry.n = was(self.kept, entry), nil;
	return self.events:tell_again(entry);
end

local function numbers_in(list)
	local numbers = {};
	for i, item in ipairs(fifo.list(list)) do numbers[i] = item.n; end
	return numbers;
end

-- The numbers of which the service has to be told, sorted. Each is told once more at the next hello, unless it is acknowledged.
function Deferred:take_gone()
	local kept = self.kept;
	local numbers = numbers_in(kept.gone);
	kept.gone = fifo.new();
	for _, n in ipairs(numbers) do note(kept.told, n); end
	while kept.told.count > self.limits.deferred do fifo.pop(kept.told); end
	return numbers;
end

-- At a hello: also those that were told before it. All of them are told for the last time.
function Deferred:take_all_gone()
	self:take_gone();
	local numbers = numbers_in(self.kept.told);
	self.kept.told = fifo.new();
	return numbers;
end

-- They could not be told.
function Deferred:give_back_gone(numbers)
	for _, n in ipairs(numbers) do note(self.kept.gone, n); end
end

-- Whether something has changed since this was last asked.
function Deferred:take_changed()
	local is_changed = self.kept.is_changed;
	self.kept.is_changed = false;
	return is_changed;
end

-- The name that an event has in later epochs.
function Deferred:name(entry)
	return was(self.kept, entry);
end

-- Calls `each(entry, was)` for all, the oldest first.
function Deferred:each(each)
	local kept, entries = self.kept, fifo.list(self.kept.due);
	for _, entry in ipairs(fifo.list(kept.asleep)) do entries[#entries + 1] = entry; end
	table.sort(entries, is_older);
	for _, entry in ipairs(entries) do each(entry, was(kept, entry)); end
end

-- Takes back an entry of an earlier epoch, to be told again. Done before any of this epoch is deferred: those are younger.
function Deferred:restore(entry, message)
	local kept = self.kept;
	kept.former = kept.former + 1;
	entry.age = kept.former;
	messages.hold(self.messages, self.limits.bytes, entry, message);
	enter(self, entry, "due");
	make_room(self, entry.user);
end

return { fresh = fresh; new = new };
