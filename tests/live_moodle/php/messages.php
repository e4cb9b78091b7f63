<?php
// --do: grant, revoke (--user: the account that sends) or sent (--user, --course): what its participants got of that account. JSON comes out.
require(__DIR__ . '/boot.php');
const LIVE_ROLE = 'copbridgelivemessages';
$result = [];
$role = $DB->get_field('role', 'id', ['shortname' => LIVE_ROLE]);
switch ($given['do']) {
    case 'grant':
        $role = $role ?: create_role('CoP Bridge live messages', LIVE_ROLE, 'May be removed');
        foreach (['moodle/site:sendmessage', 'moodle/site:messageanyuser'] as $capability) {
            assign_capability($capability, CAP_ALLOW, $role, SYSCONTEXTID, true);
        }
        role_assign($role, (int) $given['user'], SYSCONTEXTID);
        break;
    case 'revoke':
        if ($role) {
            delete_role($role);
        }
        break;
    case 'sent':
        $course = live_course((int) $given['course']);
        [$in, $params] = $DB->get_in_or_equal(array_keys(get_enrolled_users(context_course::instance($course->id))), SQL_PARAMS_NAMED);
        $sql = "SELECT m.id, mcm.userid, m.fullmessage, m.fullmessagehtml FROM {messages} m
                  JOIN {message_conversation_members} mcm ON mcm.conversationid = m.conversationid
                 WHERE m.useridfrom = :sender AND mcm.userid <> m.useridfrom AND mcm.userid $in ORDER BY m.id";
        $result = array_values($DB->get_records_sql($sql, $params + ['sender' => (int) $given['user']]));
        break;
}
accesslib_clear_all_caches(true);
echo json_encode($result), "\n";
