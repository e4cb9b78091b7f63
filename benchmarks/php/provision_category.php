<?php
// Makes the category --category (its ID number), and tells its id and the short name of the course --template.
require(__DIR__ . '/plugin_boot.php');
$made = core_course_category::create(['name' => $given['category'], 'idnumber' => $given['category'], 'visible' => 0]);
$template = $DB->get_field('course', 'shortname', ['idnumber' => $given['template']], MUST_EXIST);
echo json_encode(['category' => (int) $made->id, 'template' => $template]) . "\n";
