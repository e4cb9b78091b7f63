<?php
// --do: read, write, clear, aside, back, token or assertion. What is written comes as JSON on standard input; what is found goes out as JSON.
require(__DIR__ . '/boot.php');
$installed = (bool) get_config('local_copbridge', 'version');
$input = json_decode(stream_get_contents(STDIN) ?: '{}', true) ?: [];

define('LIVE_ASIDE', 5);

/** The settings and the outbox as they are. */
function found(bool $installed): array {
    global $DB, $CFG;
    if (!$installed) {
        return ['installed' => false];
    }
    return [
        'installed' => true,
        'moodle' => $CFG->release,
        'settings' => (array) get_config('local_copbridge'),
        'allowed' => \local_copbridge\local\security::blocking($input['endpoint'] ?? 'http://127.0.0.1:8000/'),
    ];
}

switch ($given['do']) {
    case 'write':
        foreach ($input as $name => $value) {
            $value === null ? unset_config($name, 'local_copbridge') : set_config($name, $value, 'local_copbridge');
        }
        \local_copbridge\local\scope::forget();
        break;
    case 'clear':
        $DB->delete_records_select('local_copbridge_outbox', 'dead < ?', [LIVE_ASIDE]);
        break;
    case 'aside':
    case 'back':
        // The plugin itself knows rows that wait (0) and dead ones (1): 5 and 6 are neither.
        $change = $given['do'] === 'aside' ? LIVE_ASIDE : -LIVE_ASIDE;
        $which = $given['do'] === 'aside' ? 'dead < ?' : 'dead >= ?';
        $DB->execute("UPDATE {local_copbridge_outbox} SET dead = dead + ($change) WHERE $which", [LIVE_ASIDE]);
        break;
    case 'token':
        // What IT does once: an account with the plugin's role, authorised for its service, and a token.
        $user = core_user::get_user((int) $given['user'], '*', MUST_EXIST);
        if (strpos($user->username, 'copbridge-live-') !== 0) {
            exit(3);
        }
        $service = $DB->get_record('external_services', ['shortname' => 'local_copbridge'], '*', MUST_EXIST);
        $role = \local_copbridge\local\service_role::ours();
        role_assign($role, $user->id, SYSCONTEXTID);
        require_once($CFG->dirroot . '/webservice/lib.php');
        (new webservice())->add_ws_authorised_user((object) ['externalserviceid' => $service->id, 'userid' => $user->id,
            'iprestriction' => null, 'validuntil' => null, 'timecreated' => time()]);
        $token = \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $user->id, context_system::instance());
        // That the token was never used is the one step left: it is done by the first call.
        $left = array_filter((new \local_copbridge\local\service_account())->steps(), fn(array $step): bool => !$step['done']);
        echo json_encode(['token' => $token, 'ready' => in_array(array_column($left, 'name'), [[], ['unused']], true)]);
        exit(0);
    case 'assertion':
        echo json_encode(['url' => \local_copbridge\local\assertion::url((int) $given['user'], $given['state'])->out(false)]);
        exit(0);
}
echo json_encode(found($installed));
