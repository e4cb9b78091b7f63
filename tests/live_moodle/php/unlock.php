<?php
// --course --cm --completion: save a page or label with its completion settings unlocked, as the form does.
require(__DIR__ . '/boot.php');
$course = live_course((int) $given['course']);
$cm = get_coursemodule_from_id('', (int) $given['cm'], $course->id, false, MUST_EXIST);
[$cm, , , $data] = get_moduleinfo_data($cm, $course);
require_once("$CFG->dirroot/mod/$data->modulename/lib.php");
if (file_exists("$CFG->dirroot/mod/$data->modulename/locallib.php")) {
    require_once("$CFG->dirroot/mod/$data->modulename/locallib.php");
}
$data->introeditor = [
    'text' => $data->intro ?? '',
    'format' => $data->introformat ?? FORMAT_HTML,
    'itemid' => file_get_unused_draft_itemid(),
];
$data->completionunlocked = 1;
$data->completion = (int) $given['completion'];
$data->completionview = $data->completion === COMPLETION_TRACKING_AUTOMATIC ? 1 : 0;
$data->completiongradeitemnumber = $cm->completiongradeitemnumber ?? '';
$data->completionpassgrade = $cm->completionpassgrade ?? 0;
if ($data->modulename === 'page') {
    $data->page = ['text' => $data->content, 'format' => $data->contentformat, 'itemid' => file_get_unused_draft_itemid()];
    $data->printintro = 0;
    $data->printlastmodified = 1;
}
update_moduleinfo($cm, $data, $course);
