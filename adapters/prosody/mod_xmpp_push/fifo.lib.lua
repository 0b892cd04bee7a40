-- A first-in, first-out list from whose middle entries can be taken. Plain data, so that it can be saved.
-- Each entry carries its place as `entry.seq`.

local pairs, sort, max, min = pairs, table.sort, math.max, math.min;

local function new()
	return { items = {}, head = 1, tail = 0, count = 0 };
end

-- Puts an entry at a place that nobody else has. One who puts by place must not push.
local function put(fifo, entry, place)
	fifo.head = fifo.count > 0 and min(fifo.head, place) or place;
	fifo.tail = max(fifo.tail, place);
	fifo.count = fifo.count + 1;
	fifo.items[place], entry.seq = entry, place;
end

local function push(fifo, entry)
	put(fifo, entry, fifo.tail + 1);
end

local function remove(fifo, entry)
	fifo.items[entry.seq], entry.seq = nil, nil;
	fifo.count = fifo.count - 1;
end

-- The oldest entry, nil when empty. What was taken from the middle is passed over once.
local function peek(fifo)
	if fifo.count == 0 then return nil; end
	while fifo.items[fifo.head] == nil do fifo.head = fifo.head + 1; end
	return fifo.items[fifo.head];
end

local function pop(fifo)
	local entry = peek(fifo);
	if entry then remove(fifo, entry); end
	return entry;
end

local function by_age(a, b)
	return a.seq < b.seq;
end

-- All entries, the oldest first. Behind one that stays for days a million may have come and gone: their places cost nothing.
local function list(fifo)
	local entries = {};
	for _, entry in pairs(fifo.items) do entries[#entries + 1] = entry; end
	sort(entries, by_age);
	return entries;
end

return { new = new; put = put; push = push; remove = remove; peek = peek; pop = pop; list = list };
