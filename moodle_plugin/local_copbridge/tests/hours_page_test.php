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

use local_copbridge\local\outbox;
use local_copbridge\local\standings;
use local_copbridge\output\hours_page;

/**
 * Tests of what the pages of hours show, and to whom.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\output\hours_page
 * @covers     \local_copbridge\output\participant
 * @covers     \local_copbridge\output\roster
 * @covers     \local_copbridge\output\bar
 */
final class hours_page_test extends \advanced_testcase {
    /** @var \stdClass a community with separate groups */
    private \stdClass $course;

    /** @var \stdClass[] people by name */
    private array $people = [];

    #[\Override]
    protected function setUp(): void {
        global $PAGE;
        parent::setUp();
        $this->resetAfterTest();
        set_config('scope', 'all', 'local_copbridge');
        $generator = $this->getDataGenerator();
        $this->course = $generator->create_course(['groupmode' => SEPARATEGROUPS, 'groupmodeforce' => 1]);
        $roles = ['Ann' => 'student', 'Bo' => 'student', 'Cy' => 'student', 'Di' => 'teacher', 'Ed' => 'teacher'];
        foreach ($roles as $name => $role) {
            $user = ['firstname' => $name, 'lastname' => 'Lee & Co'];
            $this->people[$name] = $generator->create_and_enrol($this->course, $role, $user);
        }
        $group = $generator->create_group(['courseid' => $this->course->id]);
        foreach (['Ann', 'Bo', 'Di'] as $name) {
            groups_add_member($group, $this->people[$name]);
        }
        $PAGE->set_url('/local/copbridge/hours.php', ['courseid' => $this->course->id]);
    }

    /**
     * Keeps how somebody stands.
     *
     * @param string $name
     * @param array $changes
     */
    private function stands(string $name, array $changes = []): void {
        $data = json_encode($changes + [
            'version' => 1, 'status' => 'on_pace', 'minutes' => 660, 'band_min' => 960, 'band_max' => 1200, 'hour_minutes' => 60,
            'on_their_way' => 1, 'components' => [['code' => 'online', 'minutes' => 660]], 'missing' => [], 'activities' => [],
            'sessions' => [['title' => '<b>First</b>', 'at' => 1760000000, 'mode' => 'virtual', 'minutes' => 60, 'reason' => null]],
            'other' => [],
        ]);
        $row = ['courseid' => (int) $this->course->id, 'userid' => (int) $this->people[$name]->id, 'asof' => 1760000000];
        $this->assertSame(1, standings::keep([$row + ['data' => $data]], [])['kept']);
    }

    /**
     * The page of everybody as HTML.
     *
     * @param string $reader
     * @return string
     */
    private function roster(string $reader): string {
        global $OUTPUT;
        $this->setUser($this->people[$reader]);
        $page = new hours_page($this->course, \context_course::instance($this->course->id));
        return $OUTPUT->render($page->roster(0));
    }

    /**
     * The page of a participant as HTML.
     *
     * @param string $reader
     * @param string $whose
     * @return string
     */
    private function participant(string $reader, string $whose): string {
        global $OUTPUT;
        $this->setUser($this->people[$reader]);
        $page = new hours_page($this->course, \context_course::instance($this->course->id));
        return $OUTPUT->render($page->participant((int) $this->people[$whose]->id));
    }

    public function test_roster_keeps_to_the_readers_groups(): void {
        $this->assertStringContainsString(get_string('roster_untold_text', 'local_copbridge'), $this->roster('Di'));
        array_map($this->stands(...), ['Ann', 'Cy']);
        $this->stands('Bo', ['status' => 'behind', 'minutes' => 30]);
        $html = $this->roster('Di');
        // Who needs help comes first; names are text.
        $this->assertLessThan(strpos($html, 'Ann Lee &amp; Co'), strpos($html, 'Bo Lee &amp; Co'));
        foreach (['Cy', 'Di', 'Ed'] as $name) {
            $this->assertStringNotContainsString("$name Lee &amp; Co", $html);
        }
        // Without a group of one's own.
        $this->assertStringContainsString(get_string('roster_empty', 'local_copbridge'), $this->roster('Ed'));
        $this->assertStringNotContainsString('Lee &amp; Co', $this->roster('Ed'));
    }

    public function test_roster_has_only_who_takes_part_now(): void {
        array_map($this->stands(...), ['Ann', 'Bo']);
        $plugin = enrol_get_plugin('manual');
        foreach (enrol_get_instances($this->course->id, true) as $instance) {
            if ($instance->enrol === 'manual') {
                $plugin->update_user_enrol($instance, $this->people['Bo']->id, ENROL_USER_SUSPENDED);
            }
        }
        $html = $this->roster('Di');
        $this->assertStringContainsString('Ann', $html);
        $this->assertStringNotContainsString('Bo Lee', $html);
        $this->expectExceptionMessage(get_string('myhours_notenrolled', 'local_copbridge'));
        $this->participant('Di', 'Bo');
    }

    public function test_participant(): void {
        $html = $this->participant('Ann', 'Ann');
        $this->assertStringContainsString(get_string('myhours_empty_text', 'local_copbridge'), $html);
        $this->stands('Ann');
        $cm = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id]);
        $event = '\core\event\course_module_completion_updated';
        outbox::note($event, (int) $this->course->id, (int) $this->people['Ann']->id, $cm->cmid);
        $html = $this->participant('Ann', 'Ann');
        $this->assertStringContainsString('11 h of 16–20 h. online: 11 h.', $html);
        $this->assertStringContainsString('2 activities on their way', $html);
        $this->assertStringContainsString('&lt;b&gt;First&lt;/b&gt;', $html);
        $this->assertStringNotContainsString('style=', $html);
    }
}
