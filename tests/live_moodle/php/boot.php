<?php
// Boots the Moodle of --dir as its administrator. Every other argument is --name=value, too: see $given.
define('CLI_SCRIPT', true);
$given = [];
foreach (array_slice($argv, 1) as $argument) {
    if (!preg_match('/^--([a-z]+)=(.*)$/s', $argument, $match)) {
        fwrite(STDERR, "not --name=value: $argument\n");
        exit(2);
    }
    $given[$match[1]] = $match[2];
}
require($given['dir'] . '/config.php');
global $CFG, $DB, $USER;
require_once($CFG->dirroot . '/course/lib.php');
require_once($CFG->dirroot . '/course/modlib.php');
require_once($CFG->libdir . '/completionlib.php');
require_once($CFG->libdir . '/enrollib.php');
\core\session\manager::set_user(get_admin());

/** The course, if it is in a category of the live suite: nothing else is ever touched. */
function live_course(int $id): stdClass {
    global $DB;
    $course = get_course($id);
    $category = (string) $DB->get_field('course_categories', 'idnumber', ['id' => $course->category], MUST_EXIST);
    if (strpos($category, 'copbridge-live-') !== 0) {
        fwrite(STDERR, "course $id is not in a category of the live suite\n");
        exit(3);
    }
    return $course;
}
