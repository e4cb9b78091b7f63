<?php
// --course: one activity of every kind that is installed, completed by looking at it where that can be, else by a tick.
require(__DIR__ . '/boot.php');
require_once($CFG->dirroot . '/lib/phpunit/classes/util.php');
$course = live_course((int) $given['course']);
$generator = phpunit_util::get_data_generator();
$made = [];
foreach ($DB->get_records('modules', ['visible' => 1], 'name') as $module) {
    $views = plugin_supports('mod', $module->name, FEATURE_COMPLETION_TRACKS_VIEWS);
    $rules = $views
        ? ['completion' => COMPLETION_TRACKING_AUTOMATIC, 'completionview' => 1]
        : ['completion' => COMPLETION_TRACKING_MANUAL];
    try {
        $one = $generator->create_module($module->name, ['course' => $course->id, 'section' => 1,
            'name' => "Kind & $module->name", 'idnumber' => "kind-$module->name"] + $rules);
        $made[$module->name] = ['cm' => (int) $one->cmid];
    } catch (Throwable $e) {
        $made[$module->name] = ['error' => get_class($e) . ': ' . $e->getMessage()];
    }
}
echo json_encode($made);
