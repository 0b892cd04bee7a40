-- Which messages are worth an event (docs/protocol.md, 3.2).

local st = require "util.stanza";
local jid = require "util.jid";

local ipairs = ipairs;

local xmlns_client = "jabber:client";
local xmlns_carbons = "urn:xmpp:carbons:2";
local xmlns_forward = "urn:xmpp:forward:0";
local xmlns_pubsub = "http://jabber.org/protocol/pubsub";
local xmlns_pubsub_event = "http://jabber.org/protocol/pubsub#event";
local xmlns_mam = "urn:xmpp:mam:2";
local xmlns_call = "urn:xmpp:jingle-message:0";
local node_mucsub = "urn:xmpp:mucsub:nodes:messages";

-- Bytes; no registration has a longer one.
local max_node = 1023;

local function named(name)
	return function (child) return child.name == name; end
end

-- OMEMO without a payload only moves keys about.
local function omemo(child)
	return child.name == "encrypted" and child:child_with_name("payload") ~= nil;
end

local payloads = {
	["eu.siacs.conversations.axolotl"] = omemo;
	["urn:xmpp:omemo:1"] = omemo;
	["urn:xmpp:omemo:2"] = omemo;
	["urn:xmpp:openpgp:0"] = named("openpgp");
	["jabber:x:encrypted"] = named("x");
	["urn:xmpp:eme:0"] = named("encryption");
};

-- mod_carbons marks only the copy itself as jabber:client, a parsed copy has it on each child too.
local function is_client(element)
	local xmlns = element.attr.xmlns;
	return xmlns == nil or xmlns == xmlns_client;
end

local function has_content(message, calls)
	for _, child in ipairs(message.tags) do
		if is_client(child) then
			if child.name == "body" and (child:get_text() or "") ~= "" then return true; end
		else
			local is_payload = payloads[child.attr.xmlns];
			if is_payload and is_payload(child) then return true; end
			if calls and child.attr.xmlns == xmlns_call then return true; end
		end
	end
	return false;
end

local function message_in(parent)
	for _, child in ipairs(parent and parent.tags or {}) do
		if child.name == "message" and is_client(child) then return child; end
	end
end

local function mucsub_message(event)
	local items = event:get_child("items");
	if not items or items.attr.node ~= node_mucsub then return; end
	for _, item in ipairs(items.tags) do
		local message = message_in(item);
		if message then return message; end
	end
end

-- Only the server itself sends as the account, or as nobody: of anybody else carbons and archived messages are not believed
-- (XEP-0280, section 11; XEP-0313, section 5.1.2).
local function is_from_server(message, account)
	return message.attr.from == nil or message.attr.from == account;
end

-- Tells of messages that the user has sent, or asked for.
local function is_no_news(message, account)
	if not is_from_server(message, account) then return false; end
	return message:get_child("sent", xmlns_carbons) ~= nil or message:get_child("result", xmlns_mam) ~= nil;
end

-- The message inside of a copy, if this is one.
local function message_inside(message, account)
	local received = is_from_server(message, account) and message:get_child("received", xmlns_carbons);
	if received then return message_in(received:get_child("forwarded", xmlns_forward)); end
	local event = message:get_child("event", xmlns_pubsub_event);
	return event and mucsub_message(event);
end

-- `account` is the bare JID of the user, `want` the set of words the service sent.
-- Returns nil when this is no event, true when it has a content, false when it is told only because `any` is wanted.
local function judge(message, account, want)
	if message.attr.type == "error" or is_no_news(message, account) then return nil; end
	local inner = message_inside(message, account);
	if inner and inner.attr.type == "error" then return nil; end
	if has_content(message, want.calls) or inner and has_content(inner, want.calls) then return true; end
	if want.any then return false; end
	return nil;
end

-- The node with which `account` has no affiliation any more, if this is what the message says.
local function revoked_node(message, account)
	local pubsub = message:get_child("pubsub", xmlns_pubsub);
	local affiliation = pubsub and pubsub:get_child("affiliation", xmlns_pubsub);
	if not affiliation or affiliation.attr.affiliation ~= "none" or jid.bare(jid.prep(affiliation.attr.jid)) ~= account then return nil; end
	local node = pubsub.attr.node or "";
	return #node <= max_node and node or nil;
end

-- The revocation in a push service's message to a user whose registration it has ended (XEP-0357, 8), without the rest of the message, and
-- that registration as one word; else nil. The host itself revokes nothing.
local function revocation(message, account)
	local node = revoked_node(message, account);
	if not node or message.attr.type == "error" then return nil; end
	local service = jid.bare(message.attr.from);
	if not service or service == jid.host(account) then return nil; end
	local told = st.message({ xmlns = xmlns_client, from = message.attr.from, to = account })
		:tag("pubsub", { xmlns = xmlns_pubsub, node = node })
		:tag("affiliation", { jid = account, affiliation = "none" }):reset();
	return told, service.."\n"..node;
end

return { judge = judge; revocation = revocation; inside = message_inside };
