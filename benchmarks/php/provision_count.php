<?php
// How many courses of the category --category hold at least as many activities as the course --template: Moodle adds a
// forum of announcements to courses that it makes.
require(__DIR__ . '/plugin_boot.php');
$count = 'SELECT COUNT(*) FROM {course_modules} m WHERE m.course = c.id AND m.deletioninprogress = 0';
$template = $DB->get_field_sql("SELECT ($count) FROM {course} c WHERE c.idnumber = ?", [$given['template']]);
$sql = "SELECT COUNT(*) FROM {course} c JOIN {course_categories} k ON k.id = c.category
         WHERE k.idnumber = ? AND c.shortname LIKE ? AND ($count) >= ?";
echo json_encode($DB->count_records_sql($sql, [$given['category'], $given['like'] . '%', $template])) . "\n";
