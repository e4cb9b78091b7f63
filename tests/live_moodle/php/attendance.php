<?php
// --do: installed, grant, revoke, make, session, take, mark, move or delete; --course and what it needs besides. JSON comes out.
require(__DIR__ . '/boot.php');
$installed = core_component::get_component_directory('mod_attendance') !== null
    && get_config('mod_attendance', 'version');
if ($given['do'] === 'installed') {
    echo json_encode(['installed' => (bool) $installed, 'release' => get_config('mod_attendance', 'version')]);
    exit(0);
}
require_once($CFG->dirroot . '/mod/attendance/locallib.php');
require_once($CFG->dirroot . '/mod/attendance/externallib.php');
const LIVE_CAPABILITIES = ['mod/attendance:view', 'mod/attendance:takeattendances'];

/** The activity of a course of the live suite, as the plugin's own pages see it. */
function live_attendance(array $given): mod_attendance_structure {
    global $DB;
    $course = live_course((int) $given['course']);
    $cm = get_coursemodule_from_id('attendance', (int) $given['cm'], $course->id, false, MUST_EXIST);
    $attendance = $DB->get_record('attendance', ['id' => $cm->instance], '*', MUST_EXIST);
    $params = new mod_attendance_take_page_params();
    $params->sessionid = (int) ($given['session'] ?? 0);
    $params->grouptype = 0;
    return new mod_attendance_structure($attendance, $cm, $course, context_module::instance($cm->id), $params);
}

/** The id of a status by its acronym. */
function live_status(mod_attendance_structure $attendance, string $acronym): int {
    $found = array_filter($attendance->get_statuses(), fn(stdClass $status): bool => $status->acronym === $acronym);
    return (int) reset($found)->id;
}

$result = [];
switch ($given['do']) {
    case 'grant':
    case 'revoke':
        $role = \local_copbridge\local\service_role::ours();
        foreach (LIVE_CAPABILITIES as $capability) {
            $given['do'] === 'grant'
                ? assign_capability($capability, CAP_ALLOW, $role, SYSCONTEXTID, true)
                : unassign_capability($capability, $role, SYSCONTEXTID);
        }
        accesslib_clear_all_caches(true);
        break;
    case 'make':
        require_once($CFG->dirroot . '/lib/phpunit/classes/util.php');
        $one = phpunit_util::get_data_generator()->create_module('attendance', [
            'course' => live_course((int) $given['course'])->id, 'name' => 'CoP meetings & more', 'section' => 1,
        ]);
        if (!$DB->record_exists('attendance_statuses', ['attendanceid' => $one->id])) {
            att_add_default_statuses($one->id);
        }
        $result = ['cm' => (int) $one->cmid, 'instance' => (int) $one->id];
        break;
    case 'session':
        // The web service asks for a group where the course is in separate groups; the form doesn't.
        $more = array_fill_keys(['studentscanmark', 'allowupdatestatus', 'autoassignstatus', 'automark', 'automarkcmid',
            'automarkcompleted', 'includeqrcode', 'rotateqrcode', 'statusset', 'groupid', 'preventsharedip', 'calendarevent',
            'absenteereport', 'descriptionitemid', 'studentsearlyopentime'], 0);
        $text = array_fill_keys(['subnet', 'studentpassword', 'preventsharediptime', 'rotateqrcodesecret'], '');
        $own = ['sessdate' => (int) $given['start'], 'duration' => (int) $given['duration'], 'timemodified' => time(),
            'description' => $given['description'], 'descriptionformat' => FORMAT_HTML];
        $result = ['sessionid' => (int) live_attendance($given)->add_session((object) ($own + $more + $text))];
        break;
    case 'take':
        // What the teacher's form posts: --said=user:acronym,user:acronym.
        $attendance = live_attendance($given);
        $form = [];
        foreach (explode(',', $given['said']) as $pair) {
            [$user, $acronym] = explode(':', $pair);
            $form += ["user$user" => (string) live_status($attendance, $acronym), "remarks$user" => ''];
        }
        $attendance->take_from_form_data((object) $form);
        break;
    case 'mark':
        $attendance = live_attendance($given);
        mod_attendance_external::update_user_status((int) $given['session'], (int) $given['user'], (int) $USER->id,
            live_status($attendance, $given['status']), implode(',', array_keys($attendance->get_statuses())));
        break;
    case 'move':
        live_attendance($given);
        $DB->update_record('attendance_sessions', (object) ['id' => (int) $given['session'],
            'sessdate' => (int) $given['start'], 'duration' => (int) $given['duration']]);
        break;
    case 'delete':
        live_attendance($given)->delete_sessions([(int) $given['session']]);
        break;
}
echo json_encode($result);
