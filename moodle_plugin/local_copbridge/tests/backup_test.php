<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\local\hours;

/**
 * Tests of the hours in backup, restore, import and duplication.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \backup_local_copbridge_plugin
 * @covers     \restore_local_copbridge_plugin
 */
final class backup_test extends \advanced_testcase {
    /** @var \stdClass a course with hours */
    private \stdClass $course;

    /** @var \stdClass its activity */
    private \stdClass $page;

    /**
     * A course with one activity that has hours.
     */
    protected function setUp(): void {
        global $CFG;
        parent::setUp();
        require_once($CFG->dirroot . '/backup/util/includes/backup_includes.php');
        require_once($CFG->dirroot . '/backup/util/includes/restore_includes.php');
        $this->resetAfterTest();
        $this->setAdminUser();
        $this->course = $this->getDataGenerator()->create_course();
        $this->page = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id]);
        hours::set((int) $this->page->cmid, 90, 'online', 2);
    }

    /**
     * Backs the course up and restores it.
     *
     * @param int $userid who restores
     * @param int $courseid into which course; 0: a new one
     * @param string[] $replace what is replaced in the backup's files, by what it replaces
     * @return string[] states of the hours in the target course
     */
    private function restore(int $userid, int $courseid = 0, array $replace = []): array {
        $backup = new \backup_controller(
            \backup::TYPE_1COURSE,
            $this->course->id,
            \backup::FORMAT_MOODLE,
            \backup::INTERACTIVE_NO,
            \backup::MODE_IMPORT,
            get_admin()->id
        );
        $backup->execute_plan();
        $backupid = $backup->get_backupid();
        $path = $backup->get_plan()->get_basepath() . "/activities/page_{$this->page->cmid}/module.xml";
        $backup->destroy();
        file_put_contents($path, strtr(file_get_contents($path), $replace));
        $target = $courseid ? \backup::TARGET_EXISTING_ADDING : \backup::TARGET_NEW_COURSE;
        $courseid = $courseid ?: \restore_dbops::create_new_course('Copy', 'COPY', $this->course->category);
        $restore = new \restore_controller($backupid, $courseid, \backup::INTERACTIVE_NO, \backup::MODE_IMPORT, $userid, $target);
        $this->assertTrue($restore->execute_precheck());
        $restore->execute_plan();
        $restore->destroy();
        return array_values(array_map(hours::state(...), hours::of_course($courseid)));
    }

    /**
     * A teacher who may restore into a course.
     *
     * @param \stdClass $course
     * @return \stdClass
     */
    private function teacher(\stdClass $course): \stdClass {
        $teacher = $this->getDataGenerator()->create_and_enrol($course, 'editingteacher');
        $this->setUser($teacher);
        return $teacher;
    }

    /**
     * A restored course has the hours, as declared by who restored it.
     */
    public function test_new_course(): void {
        global $DB;
        $this->assertSame(['90:online'], $this->restore((int) get_admin()->id));
        $this->assertSame(2, $DB->count_records('local_copbridge_hours'));
    }

    /**
     * An import into another course brings the hours, if its teacher may declare some.
     */
    public function test_import(): void {
        $target = $this->getDataGenerator()->create_course();
        $teacher = $this->teacher($target);
        $this->assertSame([], $this->restore((int) $teacher->id, (int) $target->id));
        $roleid = $this->getDataGenerator()->create_role();
        assign_capability('local/copbridge:sethours', CAP_ALLOW, $roleid, \context_system::instance());
        role_assign($roleid, $teacher->id, \context_course::instance($target->id));
        $this->assertSame(['90:online'], $this->restore((int) $teacher->id, (int) $target->id));
    }

    /**
     * A backup that was written by hand brings nothing that couldn't be typed.
     */
    public function test_tampered_backup(): void {
        $this->assertSame([], $this->restore((int) get_admin()->id, 0, ['<minutes>90' => '<minutes>90000']));
    }

    /**
     * A duplicated activity has the hours, and the original keeps its own.
     */
    public function test_duplicate(): void {
        $copy = duplicate_module($this->course, get_fast_modinfo($this->course)->get_cm($this->page->cmid));
        $this->assertSame('90:online', hours::state(hours::of((int) $copy->id)));
        $this->assertSame('90:online', hours::state(hours::of((int) $this->page->cmid)));
    }

    /**
     * Without the capability the copy has no hours: they could be counted twice.
     */
    public function test_duplicate_without_capability(): void {
        $this->teacher($this->course);
        $copy = duplicate_module($this->course, get_fast_modinfo($this->course)->get_cm($this->page->cmid));
        $this->assertNull(hours::of((int) $copy->id));
    }

    /**
     * What is taken out of the recycle bin again has its hours.
     */
    public function test_recycle_bin(): void {
        set_config('coursebinenable', 1, 'tool_recyclebin');
        course_delete_module($this->page->cmid);
        $this->assertSame([], hours::of_course((int) $this->course->id));
        $bin = new \tool_recyclebin\course_bin($this->course->id);
        $items = $bin->get_items();
        $bin->restore_item(reset($items));
        $this->assertSame(['90:online'], array_values(array_map(hours::state(...), hours::of_course((int) $this->course->id))));
    }
}
