-- The keys by which the service knows messages again (docs/protocol.md, 3.5).

local random_key = require "util.id".short;
local content = module:require "content";

local pairs, ipairs, concat, remove = pairs, ipairs, table.concat, table.remove;

local xmlns_stanza_id = "urn:xmpp:sid:0";

-- Of one entry, at most; bytes of one.
local max_keys, max_key = 20, 64;

-- A stanza's table of namespace prefixes is copied with it and never written. No prefix has a space.
local slot = "xmpp-push key";

-- Gives a message a key that its copies will have, unless it has one. Returns it.
local function mark(message)
	local known = message.namespaces;
	if known and known[slot] then return known[slot]; end
	local namespaces = { [slot] = random_key() };
	for prefix, namespace in pairs(known or {}) do namespaces[prefix] = namespace; end
	message.namespaces = namespaces;
	return namespaces[slot];
end

local function is_key(id)
	return id ~= nil and #id <= max_key and id:find("^%S+$") ~= nil;
end

local function archive_id(message, account)
	local child = message:get_child_with_attr("stanza-id", xmlns_stanza_id, "by", account);
	return child and child.attr.id;
end

-- The key of a message to an account; `id` is what its archive has just named it.
local function key_of(message, account, id)
	local inner = content.inside(message, account) or message;
	id = id or archive_id(inner, account) or archive_id(message, account);
	return is_key(id) and id or mark(inner);
end

-- Adds newer keys to those of an entry, of which the newest stay. Returns them.
local function add(keys, newer)
	for _, key in ipairs(newer) do
		keys[#keys + 1] = key;
		if #keys > max_keys then remove(keys, 1); end
	end
	return keys;
end

local function write(keys)
	return keys and keys[1] and concat(keys, " ") or nil;
end

local function read(text)
	local keys = {};
	for key in text:gmatch("%S+") do keys[#keys + 1] = key; end
	return keys;
end

return { mark = mark; key_of = key_of; add = add; write = write; read = read };
