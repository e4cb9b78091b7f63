<?php
// --course --cm --user --state: the participant ticks a manual activity (state 0: un-ticks it), or looks at another.
require(__DIR__ . '/boot.php');
$course = live_course((int) $given['course']);
$cm = get_fast_modinfo($course)->get_cm((int) $given['cm']);
$user = core_user::get_user((int) $given['user'], '*', MUST_EXIST);
\core\session\manager::set_user($user);
$completion = new completion_info($course);
if ((int) $cm->completion === COMPLETION_TRACKING_MANUAL) {
    $completion->update_state($cm, (int) $given['state'], $user->id);
} else {
    $completion->set_module_viewed($cm, $user->id);
}
