-- What is known of a user's sessions (docs/protocol.md, 3.1).

local pairs = pairs;
local bare_sessions, full_sessions = prosody.bare_sessions, prosody.full_sessions;

local max_listed = 50;

-- While mod_smacks hands back what a session never acknowledged, the session is still in the server's tables.
local ended = setmetatable({}, { __mode = "k" });

local function end_session(session)
	ended[session] = true;
end

local function session_of(full_jid, id)
	local session = full_sessions[full_jid];
	return session and session.id == id and session or nil;
end

-- The service has accepted that a session enables push, or disables it. Another one may have its resource by now.
local function note_push(full_jid, id, is_enabled)
	local session = session_of(full_jid, id);
	if session then session.xmpp_push_enabled = is_enabled or nil; end
end

local function has_any(account)
	return bare_sessions[account] ~= nil;
end

local function attributes(resource, session)
	local attr = { r = resource };
	if session.presence then attr.p = ("%d"):format(session.priority or 0); end
	if session.hibernating then attr.h = "1"; end
	-- mod_csi_simple also has a state of its own, "flushing", while a client is inactive.
	if session.state then attr.c = session.state == "active" and "active" or "inactive"; end
	if session.xmpp_push_enabled then attr.e = "1"; end
	return attr;
end

-- Adds an <s/> to `stanza` for each session of the account.
local function describe(stanza, account)
	local user = bare_sessions[account];
	local listed = 0;
	for resource, session in pairs(user and user.sessions or {}) do
		if not ended[session] then
			if listed == max_listed then return; end
			listed = listed + 1;
			stanza:tag("s", attributes(resource, session)):up();
		end
	end
end

return { describe = describe; note_push = note_push; end_session = end_session; has_any = has_any };
