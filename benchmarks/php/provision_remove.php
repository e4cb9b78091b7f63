<?php
// Removes the category of --category (its ID number) with all of its courses: what a benchmark of provisioning made.
require(__DIR__ . '/plugin_boot.php');
if (strpos($given['category'], 'COPBRIDGE-BENCH-') !== 0) {
    fwrite(STDERR, "not a benchmark's: {$given['category']}\n");
    exit(2);
}
$id = $DB->get_field('course_categories', 'id', ['idnumber' => $given['category']]);
$removed = $id ? count(core_course_category::get($id, MUST_EXIST, true)->delete_full(false)) : 0;
echo "\n" . json_encode($removed) . "\n";
